"use strict";
// One tab for each form, the one used last first; how long is left, in the reader's own time; and no secret that stays
// behind when the page is left. Without scripts all forms stand below each other, their secrets folded.
const KEY = "credentials-form";
const page = document.querySelector("[data-ends]");

const tabs = box => {
  const panels = [...box.querySelectorAll("[data-tab]")];
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", box.dataset.label);
  const buttons = panels.map(panel => {
    const heading = panel.querySelector("h2");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.id = `tab-${panel.dataset.tab}`;
    button.textContent = heading.textContent;
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", button.id);
    heading.classList.add("unseen");
    list.append(button);
    return button;
  });
  const choose = (at, focus) => {
    buttons.forEach((button, which) => {
      button.setAttribute("aria-selected", String(which === at));
      button.tabIndex = which === at ? 0 : -1;
      panels[which].hidden = which !== at;
    });
    if (focus) buttons[at].focus();
    // A word that opens nothing: which form this browser's person uses.
    try { localStorage.setItem(KEY, panels[at].dataset.tab); } catch { /* the browser keeps nothing */ }
  };
  const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
  list.addEventListener("click", event => {
    const at = buttons.indexOf(event.target.closest("button"));
    if (at >= 0) choose(at, true);
  });
  list.addEventListener("keydown", event => {
    const at = buttons.indexOf(document.activeElement);
    const to = { Home: 0, End: buttons.length - 1 }[event.key]
      ?? (event.key in STEPS ? (at + STEPS[event.key] + buttons.length) % buttons.length : -1);
    if (to < 0) return;
    event.preventDefault();
    choose(to, true);
  });
  let kept = null;
  try { kept = localStorage.getItem(KEY); } catch { /* nothing is kept here */ }
  box.prepend(list);
  choose(Math.max(0, panels.findIndex(panel => panel.dataset.tab === kept)), false);
};

const wipe = () => {
  for (const secret of document.querySelectorAll("[data-wiped]")) secret.textContent = "";
};

const countDown = () => {
  const language = document.documentElement.lang;
  const ends = Date.parse(page.dataset.ends);
  // The server's clock decides: what this computer's differs is taken off.
  const differs = Date.parse(page.dataset.now) - Date.now();
  const still = page.querySelector("[data-still]"), left = page.querySelector("[data-left]"), told = document.querySelector("[data-told]");
  const instant = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" });
  page.querySelector("[data-local]").textContent = instant.format(ends);
  const spelled = (count, unit) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(count);
  // Read aloud at these moments, and not with each tick.
  const aloud = [900, 300, 60];
  const tick = () => {
    const seconds = Math.round((ends - Date.now() - differs) / 1000);
    if (seconds <= 0) {
      still.textContent = told.textContent = page.dataset.ended;
      wipe();
      clearInterval(timer);
      return;
    }
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    const now = hours ? `${spelled(hours, "hour")} ${spelled(minutes, "minute")}`
      : minutes >= 5 ? spelled(minutes, "minute") : `${spelled(minutes, "minute")} ${spelled(seconds % 60, "second")}`;
    if (left.textContent !== now) left.textContent = now;
    if (seconds <= aloud[0]) {
      while (seconds <= aloud[0]) aloud.shift();
      told.textContent = still.textContent;
    }
  };
  const timer = setInterval(tick, 1000);
  still.hidden = false;
  tick();
};

if (page) {
  for (const box of document.querySelectorAll("[data-tabs]")) tabs(box);
  countDown();
  // A browser may keep the page as it was for Back (bfcache), whatever it is told: it keeps one without secrets.
  addEventListener("pagehide", wipe);
  addEventListener("pageshow", event => { if (event.persisted) location.replace(page.dataset.again); });
}
