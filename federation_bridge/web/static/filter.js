"use strict";
// Hides what lacks a word that was typed. Without scripts the whole list stands.
const box = document.querySelector("[data-filters]");
if (box) {
  const all = [...document.querySelectorAll(box.dataset.filters)];
  const texts = all.map(one => (one.dataset.words ?? one.textContent).toLowerCase());
  const field = box.querySelector("input");
  const narrow = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    all.forEach((one, at) => { one.hidden = !words.every(word => texts[at].includes(word)); });
    box.querySelector("[data-shown]").textContent = all.filter(one => !one.hidden).length;
  };
  box.hidden = false;
  field.addEventListener("input", narrow);
  narrow();
}
