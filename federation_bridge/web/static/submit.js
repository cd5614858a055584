"use strict";
// Posts the page's one departing form, as a person's click on its button would.
const departing = document.querySelector("form[data-departing]");
if (departing) {
  departing.requestSubmit();
}
