"use strict";
// Shows beside a form, while it is filled in, what it would change: as its button does, which works without scripts.
const form = document.querySelector("form[data-live]");
if (form) {
  const PAUSE = 600;
  let timer = 0, asking = false, again = false;
  const show = text => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    if (!fresh.getElementById("outcome")) return;
    for (const place of document.querySelectorAll("[data-live][id]")) {
      const found = fresh.getElementById(place.id);
      if (found && place !== form) place.replaceWith(found);
    }
    for (const field of form.querySelectorAll("[aria-describedby]")) {
      const mistake = document.getElementById(field.getAttribute("aria-describedby").split(" ").pop());
      field.toggleAttribute("aria-invalid", false);
      if (mistake && mistake.textContent) field.setAttribute("aria-invalid", "true");
    }
  };
  const look = async () => {
    // One question at a time: what was typed meanwhile is asked next, so that the newest answer stands last.
    if (asking) { again = true; return; }
    asking = true;
    const sent = new URLSearchParams(new FormData(form));
    sent.set("do", "check");
    try {
      const answer = await fetch(form.action, { method: "POST", body: sent, redirect: "error" });
      const text = await answer.text();
      if (!again) show(text);
    } catch {
      // The button says why.
    }
    asking = false;
    if (again) { again = false; look(); }
  };
  form.addEventListener("input", event => {
    if (event.target.name === "reason") return;
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
}
