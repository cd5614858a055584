"use strict";
// The bookmark follows what is chosen in the form. Without scripts it leads to the console's first page.
const chosen = document.querySelector("form[data-bookmark]");
if (chosen) {
  const shown = document.getElementById("bookmark");
  const show = () => {
    const sent = new FormData(chosen), query = new URLSearchParams();
    const to = sent.get("to")?.trim() || sent.get("link");
    for (const [name, value] of [["to", to], ["region", sent.get("region")], ["duration", sent.get("duration")], ["reason", sent.get("reason")]]) {
      if (value) query.set(name, value);
    }
    // As the way back from a sign-in takes it: a blank is %20 there.
    const text = String(query).replaceAll("+", "%20");
    shown.textContent = chosen.dataset.bookmark + (text ? `?${text}` : "");
  };
  chosen.addEventListener("input", show);
  show();
}
