"use strict";
// j, k: the next held campaign, the one before. r: to its button for releasing; d: to the reason, then to its button for
// declining. Enter presses them.
(() => {
  const links = [...document.querySelectorAll("[data-campaign]")];
  const go = (step) => {
    const next = document.querySelector(step > 0 ? "#next-campaign" : "#previous-campaign");
    if (next) { next.click(); return; }
    if (!links.length) return;
    const here = links.indexOf(document.activeElement);
    const to = here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + step));
    links[to].focus();
  };
  const decide = (id) => {
    const button = document.getElementById(id), reason = document.getElementById("reason");
    if (button && id === "decline" && reason && !reason.value.trim()) { reason.focus(); return; }
    if (button) { button.focus(); return; }
    const link = document.activeElement;
    if (links.includes(link)) location.href = link.href + "#" + id;
  };
  const keys = { j: () => go(1), k: () => go(-1), r: () => decide("release"), d: () => decide("decline") };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  const wanted = location.hash.slice(1);
  if (wanted === "release" || wanted === "decline") decide(wanted);
})();
