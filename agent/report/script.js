"use strict";
(() => {
  const pairs = [...document.querySelectorAll("article.pair")];
  const form = document.querySelector(".filters");
  const more = document.querySelector("details.more");
  const shown = document.querySelector("#shown");
  if (form && pairs.length) {
    form.hidden = false;
    const words = new Map(pairs.map((pair) => [pair, pair.textContent.toLowerCase()]));
    const apply = () => {
      const wanted = [...form.querySelectorAll("select")].filter((select) => select.value);
      const parts = form.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
      let number = 0;
      for (const pair of pairs) {
        const fits =
          wanted.every((select) => pair.dataset[select.name] === select.value) &&
          parts.every((part) => words.get(pair).includes(part));
        pair.hidden = !fits;
        number += fits;
      }
      const filtering = wanted.length > 0 || parts.length > 0;
      if (more && filtering) more.open = true;
      shown.textContent = filtering ? `${number} of ${pairs.length} pairs match` : "";
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
  const print = () => document.querySelectorAll("details:not(.more)").forEach((box) => (box.open = true));
  addEventListener("beforeprint", print); // the first dozen pairs are enough on paper; the reader may unfold the rest
})();
