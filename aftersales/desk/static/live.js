// Live update, needs desk.js: the server says that the page has changed, and the new page is merged into this one.
// Elements that are in both stay the same elements, so that focus, typed text and scroll stay; a form in use is left
// alone, with the hidden fields that say which state of the case it was made for.
"use strict";

const main = document.getElementById("content");
const line = document.getElementById("live");
let composing = false, fetching = false, again = false, mark = main.dataset.mark || "";

function nameOf(element) {
  if (element.id || element.dataset?.case) return element.id || element.dataset.case;
  if (element.tagName !== "FORM") return null;
  const saying = [...element.querySelectorAll("input[type=hidden]")].filter((field) => /(^|-)(do|rule|order|serial)$/.test(field.name));
  return ["form", element.getAttribute("action"), ...saying.map((field) => field.value)].join(" ");
}

function isChanged(control) {
  if (control.type === "hidden") return false;
  if (control.tagName === "SELECT") {
    return [...control.options].some((option) => option.selected !== option.defaultSelected) &&
      !(control.selectedIndex === 0 && ![...control.options].some((option) => option.defaultSelected));
  }
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  return "defaultValue" in control && control.value !== control.defaultValue;
}

function inUse(form) {
  return form.contains(document.activeElement) || [...form.elements].some(isChanged);
}

function holdsFormInUse(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return false;
  const forms = node.tagName === "FORM" ? [node] : [...node.querySelectorAll("form")];
  return forms.some(inUse);
}

function matches(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName &&
    (old.nodeType !== Node.ELEMENT_NODE || nameOf(old) === nameOf(fresh));
}

function merge(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.tagName === "FORM" && inUse(old)) return;
  const kept = old.tagName === "DETAILS" ? ["open"] : [];
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  }
  mergeChildren(old, fresh);
}

function mergeChildren(old, fresh) {
  const named = new Map();
  for (const child of old.children) if (nameOf(child)) named.set(nameOf(child), child);
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const name = wanted.nodeType === Node.ELEMENT_NODE ? nameOf(wanted) : null;
    let found = name ? named.get(name) : at;
    while (!name && found && found.nodeType === Node.ELEMENT_NODE && nameOf(found)) found = found.nextSibling;
    if (found && matches(found, wanted)) {
      if (found === at) at = at.nextSibling;
      else old.insertBefore(found, at);
      merge(found, wanted);
    } else {
      old.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    if (!holdsFormInUse(at)) at.remove();
    at = next;
  }
}

const SOON = 5000, SELDOM = 60000;
let retry = null, unreadPause = SOON;

function later(pause = SOON) {
  clearTimeout(retry);
  // A page that nobody sees asks for nothing.
  retry = setTimeout(() => (document.visibilityState === "hidden" ? later(pause) : refresh()), pause);
}

// What a page could not read of its cases in time is no change that the server would tell of. A case that no worker
// answers for is asked less and less often.
function readAgain() {
  if (!document.getElementById("unread")) {
    unreadPause = SOON;
    return;
  }
  later(unreadPause);
  unreadPause = Math.min(2 * unreadPause, SELDOM);
}

async function refresh() {
  if (fetching || composing) {
    again = true;
    return;
  }
  fetching = true;
  again = false;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("content");
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      say("请重新登录:刷新此页");
    } else if (answer.ok && fresh && !composing) {
      const focused = document.activeElement;
      enhance(fresh);
      setClock(fresh);
      merge(main, fresh);
      if (main.dataset.mark) mark = main.dataset.mark;
      if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
      countDown();
      readAgain();
    } else if (answer.ok) {
      again = true;
    } else {
      say("暂时无法更新,稍后重试");
      later();
    }
  } catch {
    later();
  } finally {
    fetching = false;
    if (again && !composing) setTimeout(refresh, 0);
  }
}

function say(text) {
  if (line.textContent !== text) line.textContent = text;
}

function listen() {
  let stream = null, waiting = null;

  function close() {
    stream?.close();
    stream = null;
    clearTimeout(waiting);
  }

  function open() {
    close();
    // Browsers allow six connections to a server: a page that nobody sees gives its own back.
    if (document.visibilityState === "hidden") return;
    const address = new URLSearchParams({ page: location.pathname + location.search, mark });
    stream = new EventSource(`/live?${address}`);
    stream.addEventListener("open", () => say(""));
    stream.addEventListener("mark", (event) => { mark = event.data; });
    stream.addEventListener("changed", (event) => { mark = event.data; refresh(); });
    stream.addEventListener("lost", () => say("服务器暂无应答,显示的可能不是最新"));
    stream.addEventListener("found", () => say(""));
    stream.addEventListener("error", () => {
      say("连接中断,正在重连…");
      if (stream.readyState !== EventSource.CLOSED) return;
      waiting = setTimeout(open, 3000);
      refresh(); // it may be the login that has ended: then the page says so
    });
  }

  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
}

document.addEventListener("compositionstart", () => { composing = true; });
document.addEventListener("compositionend", () => {
  composing = false;
  if (again) refresh();
});

if ("live" in main.dataset) {
  listen();
  readAgain();
}
