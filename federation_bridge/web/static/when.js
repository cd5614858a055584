"use strict";
// Writes this computer's own time before the time in UTC that stands there. Without scripts UTC stands alone.
globalThis.showOwnTime = within => {
  const two = number => String(number).padStart(2, "0");
  for (const place of within.querySelectorAll("time[data-when]")) {
    const instant = new Date(place.dateTime);
    if (instant.getTimezoneOffset() === 0) continue;
    const day = `${instant.getFullYear()}-${two(instant.getMonth() + 1)}-${two(instant.getDate())}`;
    const inUtc = document.createElement("span");
    inUtc.className = "soft";
    const told = place.textContent;
    inUtc.textContent = `(${told.startsWith(day) ? told.slice(day.length + 1) : told})`;
    place.replaceChildren(`${day} ${two(instant.getHours())}:${two(instant.getMinutes())} `, inUtc);
  }
};
showOwnTime(document);
