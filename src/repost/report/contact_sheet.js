"use strict";
document.querySelectorAll(".slider").forEach(function (slider) {
  var range = slider.querySelector("input");
  function show() {
    slider.style.setProperty("--at", range.value + "%");
    range.setAttribute("aria-valuetext", range.value + " % upload, " + (100 - range.value) + " % served");
  }
  function follow(event) {
    var box = slider.getBoundingClientRect();
    var share = (event.clientX - box.left) / box.width;
    range.value = Math.round(100 * Math.min(1, Math.max(0, share)));
    show();
  }
  slider.addEventListener("pointerdown", function (event) {
    if (event.button !== 0) return;
    event.preventDefault();
    range.focus({ preventScroll: true });
    slider.setPointerCapture(event.pointerId);
    follow(event);
  });
  slider.addEventListener("pointermove", function (event) {
    if (slider.hasPointerCapture(event.pointerId)) follow(event);
  });
  range.addEventListener("input", show);
  show();
});
