"use strict";
// Whoever comes back from the tab that a button opened reads what was granted there.
let opened = false;
const told = async () => {
  const place = document.getElementById("granted-now");
  if (!opened || !place || document.visibilityState !== "visible") return;
  try {
    const answer = await fetch("/roles/granted", { redirect: "error" });
    const fresh = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html").getElementById("granted-now");
    if (!fresh) return;
    place.replaceChildren(...fresh.childNodes);
    showOwnTime(place);
    // Whoever comes back before AWS has answered reads it the next time.
    opened = !place.childElementCount;
  } catch {
    // The next page tells it.
  }
};
document.addEventListener("visibilitychange", told);
addEventListener("focus", told);

// A page whose button opens another tab stays: its next press is another one, and carries another number (ADR 16).
document.addEventListener("submit", event => {
  const target = event.submitter?.getAttribute("formtarget") ?? event.target.getAttribute("target");
  if (target !== "_blank") return;
  // After the form was read, so that each number is sent once.
  setTimeout(() => {
    opened = true;
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    const number = [...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("");
    for (const field of document.querySelectorAll("input[name=press]")) field.value = number;
  });
});
