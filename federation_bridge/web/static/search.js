"use strict";
// How a role is found by what somebody types: the same rule as role_search.py, held to it by one table of examples.
const roleSearch = (() => {
  const folded = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toUpperCase().toLowerCase().replaceAll("ς", "σ");
  const wordsOf = typed => folded(typed).split(/\s+/u).filter(Boolean);
  const isAlphanumeric = letter => /[\p{L}\p{N}]/u.test(letter);
  const beginsAPart = (word, name) => {
    let at = name.indexOf(word);
    while (at > 0 && isAlphanumeric(name[at - 1])) at = name.indexOf(word, at + 1);
    return at >= 0;
  };
  const isBeyond = /[\ud800-\udfff]/;
  const span = (word, name) => {
    // Letters beyond the first 65,536 count as one each, as they do in Python.
    if (isBeyond.test(name) || isBeyond.test(word)) { word = [...word]; name = [...name]; }
    let least = Infinity;
    for (let from = name.indexOf(word[0]); from >= 0; from = name.indexOf(word[0], from + 1)) {
      let at = from, met = 1;
      while (met < word.length && ++at < name.length) if (name[at] === word[met]) met++;
      if (met < word.length) break;
      least = Math.min(least, at - from + 1);
    }
    return least - word.length;
  };
  const one = (word, names, texts) => {
    let isInside = false;
    for (const name of names) {
      if (!name.includes(word)) continue;
      if (beginsAPart(word, name)) return 0;
      isInside = true;
    }
    if (isInside) return 1;
    if (texts.some(text => text.includes(word))) return 2;
    if (/^\p{Nd}+$/u.test(word)) return Infinity;
    let least = Infinity;
    for (const name of names) least = Math.min(least, span(word, name));
    return 3 + least;
  };
  // How far the words are from what has these folded names and texts; Infinity where one of them is not found.
  const distance = (words, names, texts) => {
    let far = 0;
    for (const word of words) if ((far += one(word, names, texts)) === Infinity) return far;
    return far;
  };
  return { folded, wordsOf, distance };
})();
