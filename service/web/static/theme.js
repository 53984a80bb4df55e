// Before anything is drawn: the colours that were chosen on this device.
"use strict";
(() => {
  const apply = (value) => {
    if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
  };
  apply(localStorage.getItem("theme"));
  document.addEventListener("DOMContentLoaded", () => {
    const chosen = localStorage.getItem("theme") || "auto";
    for (const radio of document.querySelectorAll('input[name="theme"]')) {
      radio.checked = radio.value === chosen;
      radio.addEventListener("change", () => { localStorage.setItem("theme", radio.value); apply(radio.value); });
    }
  });
})();
