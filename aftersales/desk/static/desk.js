// Countdown, keys and live update; every page works without it.
"use strict";

function remaining(until, now) {
  const minutes = Math.floor(Math.abs(until - now) / 60000);
  const days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60) % 24, rest = minutes % 60;
  const length = days ? `${days}天${hours}小时` : hours ? `${hours}小时${rest}分` : `${rest}分`;
  return until <= now ? `已超时 ${length}` : `剩 ${length}`;
}

// Pages count by the desk's clock: that of the PC may be wrong.
let ahead = 0;

function setClock(content) {
  ahead = Date.parse(content.dataset.serverTime) - Date.now();
}

function deskNow() {
  return Date.now() + ahead;
}

// As TONES in rows.py.
const HOUR = 3600 * 1000, TONES = [[2 * HOUR, "late"], [12 * HOUR, "soon"], [24 * HOUR, "today"]];

// Whatever is coloured around a clock of ours has the colour of the time that is left; the clocks of others stay grey.
function paint(clock, left) {
  const tone = TONES.find(([limit]) => left < limit)?.[1] ?? "calm", coloured = "[class*=tone-]";
  for (let around = clock.closest(coloured); around; around = around.parentElement.closest(coloured)) {
    if (around.classList.contains("tone-theirs")) return;
    around.className = around.className.replace(/\btone-\w+/, `tone-${tone}`);
  }
}

function countDown() {
  const now = deskNow();
  for (const clock of document.querySelectorAll("time[data-until]")) {
    const until = Date.parse(clock.dataset.until);
    clock.textContent = remaining(until, now);
    paint(clock, until - now);
  }
}

function offerCopying(root) {
  for (const button of root.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "已复制";
    });
  }
}

function sendOnce(root) {
  // A second click changes nothing, since the form bears the decision's id; this only shows that one was enough.
  for (const form of root.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button")) {
        button.setAttribute("aria-disabled", "true");
        button.textContent = "提交中…";
      }
    });
  }
}

function askAgain() {
  const form = document.querySelector("form.again");
  if (form) setTimeout(() => form.requestSubmit(), 5000);
}

function shanghaiNow() {
  return new Date(deskNow() + 8 * HOUR).toISOString().slice(0, 19);
}

function smallButton(words, click) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = words;
  button.addEventListener("click", click);
  return button;
}

function offerNow(root) {
  for (const input of root.querySelectorAll("input[data-now]")) {
    const title = root.querySelector(`label[for="${input.id}"]`)?.firstChild.textContent.trim() ?? "";
    const button = smallButton("现在", () => { button.previousElementSibling.value = shanghaiNow(); });
    button.setAttribute("aria-label", `${title}:现在`);
    input.after(button);
  }
}

function offerUsualWords(root) {
  for (const list of root.querySelectorAll("[data-fills]")) {
    for (const item of list.children) {
      const words = item.textContent;
      item.replaceChildren(smallButton(words, () => { document.getElementById(list.dataset.fills).value = words; }));
    }
  }
}

// What the script adds to a page, and to the new page that is merged into it.
function enhance(root) {
  offerCopying(root);
  sendOnce(root);
  offerNow(root);
  offerUsualWords(root);
}

setClock(document.getElementById("content"));
countDown();
setInterval(countDown, 15000);
enhance(document);
askAgain();

function refreshWhileRunning() {
  const part = document.querySelector("[data-refresh]");
  if (!part) return;
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (answer.ok && fresh) part.replaceWith(fresh);
    } catch {
      // the desk does not answer: ask again
    }
    refreshWhileRunning();
  }, Number(part.dataset.refresh) * 1000);
}

refreshWhileRunning();
