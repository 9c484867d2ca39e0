// Keys: J and K go from case to case, letters do what the buttons with them do, and nothing while somebody types.
"use strict";

const content = document.getElementById("content");

function isTyping(element) {
  if (["checkbox", "radio", "button", "submit"].includes(element.type)) return false;
  return element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
}

function go(step) {
  const cases = [...content.querySelectorAll("[data-case]")];
  if (!cases.length) return;
  const here = cases.indexOf(document.activeElement.closest("[data-case]"));
  const at = here < 0 ? (step > 0 ? 0 : cases.length - 1) : Math.min(Math.max(here + step, 0), cases.length - 1);
  cases[at].querySelector("a.open, a")?.focus();
  cases[at].scrollIntoView({ block: "nearest" });
}

function act(letter) {
  const here = document.activeElement.closest("[data-case]");
  const place = here ?? (content.querySelector("[data-case]") ? null : content);
  const target = place?.querySelector(`[aria-keyshortcuts="${letter}"]`);
  if (!target) return false;
  const form = target.closest("form");
  if (!form) {
    target.click();
    return true;
  }
  // A key never sends: it leads to the first thing that is still to be filled in, or to the button.
  for (let folded = target.closest("details:not([open])"); folded; folded = target.closest("details:not([open])")) folded.open = true;
  (missingIn(form) ?? target).focus();
  return true;
}

function missingIn(form) {
  return [...form.elements].find((control) => control.willValidate && !control.checkValidity());
}

function beginForm() {
  const form = content.querySelector("#decide form");
  if (!form || content.contains(document.activeElement) && document.activeElement !== content) return;
  // Browsers ignore autofocus where the address has a fragment; on a phone, a field with focus hides half of the page.
  const chosen = content.querySelector("#decide [autofocus]");
  (chosen ?? (matchMedia("(pointer: coarse)").matches ? null : missingIn(form)))?.focus();
}

function showKeys() {
  const help = document.getElementById("keys");
  if (!help.querySelector("button")) {
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "关闭";
    close.addEventListener("click", () => help.close());
    help.append(close);
  }
  help.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (isTyping(document.activeElement) || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  let done = true;
  if (key === "J") go(1);
  else if (key === "K") go(-1);
  else if (key === "/") {
    const search = content.querySelector("input[type=search]");
    if (search) search.focus(); else location.href = "/#search";
  } else if (key === "?") showKeys();
  else done = /^[A-Z]$/.test(key) && act(key);
  if (done) event.preventDefault();
});

// Going to the fragment takes the focus away, and is over once the page has loaded.
addEventListener("load", beginForm);
if (location.hash === "#search") content.querySelector("input[type=search]")?.focus();
