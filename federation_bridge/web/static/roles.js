"use strict";
// The search over all roles, accounts that are filled in as they unfold, and the keys. Without it the page pages.
(() => {
  const MOST_SHOWN = 30, MOST_ACCOUNTS = 2000, PAUSE = 200;
  const field = document.getElementById("q");
  if (!field) return;
  const part = id => document.getElementById(id);
  const [results, live, more, nothing, count, keys] = ["results", "live", "more", "nothing", "count", "keys"].map(part);
  const rows = live.querySelector("ul");
  const typedBefore = field.value;
  let known = null, isMany = false, numbered = 0, asked = 0;

  // ---- what the service told: one entry for each role, its names and texts folded once
  const read = told => {
    const roles = told.roles.map(roleSearch.folded), texts = told.texts.map(roleSearch.folded);
    const kept = new Set(told.kept);
    const offers = [], accounts = [];
    for (const [id, names, environment, color, about, numbers] of told.accounts) {
      const account = { id, name: names[0], aliases: names.slice(1), environment, color, offers: [] };
      const called = [...names, id].map(name => roleSearch.folded(name) + "/"), said = about.map(roleSearch.folded);
      for (let at = 0; at < numbers.length; at += 2) {
        const [role, text] = [numbers[at], numbers[at + 1]];
        const offer = { account, role: told.roles[role], about: told.texts[text], key: `${id}/${told.roles[role]}` };
        offer.names = called.map(name => name + roles[role]);
        offer.texts = texts[text] ? [texts[text], ...said] : said;
        offer.isKept = kept.has(offer.key);
        account.offers.push(offer);
        offers.push(offer);
      }
      accounts.push(account);
    }
    return { offers, accounts };
  };

  // ---- rows, made from the page's own templates
  const look = (place, account) => {
    if (!account.environment && !account.color) return place.remove();
    place.textContent = account.environment || account.color;
    if (account.color) place.classList.add(`look-${account.color}`);
  };
  const row = (offer, isWhole) => {
    const made = part("offer").content.firstElementChild.cloneNode(true);
    const id = `r${++numbered}`, at = `${offer.account.id}/${encodeURIComponent(offer.role)}`;
    made.dataset.key = offer.key;
    made.querySelector(".grows").id = id;
    made.querySelector("strong").textContent = offer.role;
    made.querySelector(".about").textContent = offer.about;
    const whose = made.querySelector(".whose");
    if (isWhole) {
      whose.querySelector(".name").textContent = offer.account.name;
      whose.querySelector(".number").textContent = offer.account.id;
      look(whose.querySelector(".look"), offer.account);
    } else whose.remove();
    for (const one of made.querySelectorAll("[aria-describedby]")) one.setAttribute("aria-describedby", id);
    for (const one of made.querySelectorAll("[formaction]"))
      one.setAttribute("formaction", one.getAttribute("formaction").replace("AT", () => at));
    for (const one of made.querySelectorAll("a")) one.href = one.getAttribute("href").replace("AT", () => at).replace("KEY", () => encodeURIComponent(offer.key));
    press(made.querySelector(".star"), offer.isKept);
    return made;
  };
  const press = (star, isKept) => {
    star.value = isKept ? "no" : "yes";
    star.setAttribute("aria-pressed", String(isKept));
  };

  // ---- search
  const say = (found, isHit) => {
    count.textContent = found === null ? count.dataset.all : count.dataset.found.replace("{found}", found);
    nothing.hidden = found === null || isHit;
  };
  const showAll = () => {
    live.hidden = true;
    results.hidden = false;
    rows.replaceChildren();
    say(null, true);
  };
  const searchHere = typed => {
    const words = roleSearch.wordsOf(typed);
    const hits = [];
    known.offers.forEach((one, at) => {
      const far = roleSearch.distance(words, one.names, one.texts);
      if (far !== Infinity) hits.push([far, at]);
    });
    hits.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
    show(hits.slice(0, MOST_SHOWN).map(([, at]) => row(known.offers[at], true)), hits.length);
  };
  const show = (made, found) => {
    rows.replaceChildren(...made);
    if (made.length) made[0].classList.add("first");
    rows.hidden = !made.length;
    more.hidden = found <= made.length;
    live.hidden = false;
    results.hidden = true;
    say(found, found > 0);
  };
  // Of very many roles the service finds some: the page that it would show without a script is asked for.
  const searchThere = async typed => {
    const mine = ++asked;
    const answer = await fetch(`/?q=${encodeURIComponent(typed)}`, { redirect: "error" });
    if (mine !== asked || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked || !fresh.getElementById("count")) return;
    const made = [...fresh.querySelectorAll("#results .offer")].slice(0, MOST_SHOWN);
    show(made, made.length);
    count.textContent = fresh.getElementById("count").textContent;
    more.hidden = made.length < MOST_SHOWN;
  };
  let timer = 0;
  const narrow = () => {
    const typed = field.value.trim();
    part("press").elements.q.value = typed;
    clearTimeout(timer);
    asked++;
    if (!typed) return showAll();
    if (known) return searchHere(typed);
    if (isMany) timer = setTimeout(() => searchThere(typed).catch(() => {}), PAUSE);
  };
  field.addEventListener("input", narrow);

  // ---- all accounts, where the page has some of them only
  const unfold = (place, account) => {
    if (!place.open || place.dataset.filled) return;
    place.dataset.filled = "yes";
    place.querySelector("ul").replaceChildren(...account.offers.map(offer => row(offer, false)));
  };
  const showAccounts = () => {
    const pager = part("pager"), place = part("accounts");
    if (!pager || !place || typedBefore || known.accounts.length > MOST_ACCOUNTS) return;
    const template = part("account").content.firstElementChild;
    const isOpen = new Set([...place.children].filter(one => one.open).map(one => one.dataset.account));
    place.replaceChildren(...known.accounts.map(account => {
      const made = template.cloneNode(true);
      made.dataset.account = account.id;
      made.querySelector(".name").textContent = account.name;
      made.querySelector(".number").textContent = [account.id, account.aliases.join(", ")].filter(Boolean).join(" · ");
      made.querySelector(".count").textContent = account.offers.length;
      look(made.querySelector(".look"), account);
      made.addEventListener("toggle", () => unfold(made, account));
      if (isOpen.has(account.id)) made.open = true;
      return made;
    }));
    pager.remove();
  };

  // ---- what is kept on top
  document.addEventListener("click", async event => {
    const star = event.target.closest?.(".star");
    if (!star) return;
    event.preventDefault();
    const sent = new URLSearchParams(new FormData(part("press")));
    sent.set("keep", star.value);
    const answer = await fetch(star.getAttribute("formaction"), { method: "POST", body: sent, redirect: "follow" }).catch(() => null);
    // Where it could not be done, the press itself tells why: as it would without a script.
    if (!answer || !answer.ok) return star.form.requestSubmit(Object.assign(star, { className: "plain" }));
    const isKept = star.value === "yes", { key } = star.closest(".offer").dataset;
    for (const offer of known ? known.offers : []) if (offer.key === key) offer.isKept = isKept;
    for (const one of document.querySelectorAll(".offer")) if (one.dataset.key === key) press(one.querySelector(".star"), isKept);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("kept");
    const old = part("kept");
    if (fresh && old && !old.contains(star)) old.replaceWith(fresh);
  });

  // ---- keys
  const firsts = () => [...document.querySelectorAll(".offer")]
    .filter(one => one.checkVisibility ? one.checkVisibility({ contentVisibilityAuto: false }) : one.offsetParent)
    .map(one => one.querySelector("button"));
  const step = by => {
    const all = firsts(), now = document.activeElement.closest(".offer");
    const at = now ? all.indexOf(now.querySelector("button")) : -1;
    const next = at + by;
    if (next < 0) field.focus(); else all[next]?.focus();
  };
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target !== field;
    if (isTyping) return;
    const isOnRow = event.target.closest?.(".offer");
    if (event.key === "/" && event.target !== field) { event.preventDefault(); field.focus(); field.select(); }
    else if (event.key === "Escape" && (field.value || isOnRow)) { event.preventDefault(); field.value = ""; narrow(); field.focus(); }
    else if (event.key === "ArrowDown" && (event.target === field || isOnRow)) { event.preventDefault(); step(1); }
    else if (event.key === "ArrowUp" && isOnRow) { event.preventDefault(); step(-1); }
    else if (event.key === "Enter" && event.target === field && known && field.value.trim()) {
      event.preventDefault();
      rows.querySelector(".first button")?.click();
    }
  });

  keys.hidden = false;
  fetch("/roles/list", { redirect: "error" }).then(answer => answer.ok ? answer.json() : Promise.reject()).then(told => {
    isMany = Boolean(told.many);
    if (!isMany) { known = read(told); showAccounts(); }
    if (field.value !== typedBefore || typedBefore) narrow();
    document.documentElement.dataset.searches = "yes";
  }).catch(() => {});
})();
