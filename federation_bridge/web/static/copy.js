"use strict";
// Copies a text of this page, says on the button what was copied, and is itself again after a while.
const RESETS_AFTER = 4000;
for (const button of document.querySelectorAll("button[data-copies]")) {
  const text = document.getElementById(button.dataset.copies);
  const words = [...button.childNodes];
  let timer = 0;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  const say = (told, resets) => {
    button.textContent = told;
    clearTimeout(timer);
    if (resets) timer = setTimeout(() => button.replaceChildren(...words), RESETS_AFTER);
  };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      say(button.dataset.done, true);
    } catch {
      const details = text.closest("details");
      if (details) details.open = true;
      getSelection().selectAllChildren(text);
      say(button.dataset.refused, false);
    }
  });
}
