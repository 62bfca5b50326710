/* The reconciliation workbench by the keyboard; every button works without this. ES2017. */
(function () {
  'use strict';
  function start() {
    drops();
    var form = document.getElementById('bank');
    if (!form) { return; }
    var panes = Array.prototype.slice.call(form.querySelectorAll('[data-pane]'));
    var filter = document.getElementById('bank-q');
    var pane = 0, marks = [null, null];
    function shown(which) {
      return Array.prototype.filter.call(panes[which].querySelectorAll('.bank-row'), function (row) { return !row.hidden; });
    }
    function mark(which) { return marks[which] && !marks[which].hidden ? marks[which] : shown(which)[0]; }
    function go(which, row) {
      if (!row) { document.activeElement.blur(); return; }
      panes.forEach(function (each) { each.querySelectorAll('.current').forEach(function (old) { if (panes[which] === each) { old.classList.remove('current'); } }); });
      pane = which;
      marks[which] = row;
      row.classList.add('current');
      panes.forEach(function (each, n) { each.classList.toggle('active', n === which); });
      row.focus({ preventScroll: true });
      row.scrollIntoView({ block: 'nearest' });
    }
    function step(by) {
      var rows = shown(pane), at = rows.indexOf(marks[pane]);
      go(pane, rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))]);
    }
    function press(button) {
      if (!button) { return; }
      var rows = shown(0), at = rows.indexOf(marks[0]), next = rows[at + 1] || rows[at - 1];
      form.elements.at.value = next ? next.dataset.ref : '';
      button.click();
    }
    function typing(target) { return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== 'checkbox'; }
    function ask(name) {
      // What needs words gets the cursor there; Enter then presses the button.
      var reason = document.getElementById('bank-reason');
      form.dataset.next = name;
      if (name === 'aside' && marks[0] && !form.querySelector('[name=line]:checked')) { tick(marks[0]); }
      if (name === 'match' && marks[0] && !form.querySelector('[name=line]:checked')) { tick(marks[0]); }
      reason.focus();
    }
    function tick(row) {
      var box = row.querySelector('input[type=checkbox]');
      if (box && !box.disabled) { box.checked = !box.checked; row.classList.toggle('chosen', box.checked); }
    }
    form.addEventListener('change', function (event) {
      var row = event.target.closest('.bank-row');
      if (row && event.target.type === 'checkbox') { row.classList.toggle('chosen', event.target.checked); }
    });
    form.addEventListener('click', function (event) {
      var row = event.target.closest('.bank-row');
      if (row && event.detail) { var which = panes.indexOf(row.parentNode); panes[which].querySelectorAll('.current').forEach(function (old) { old.classList.remove('current'); }); marks[which] = row; pane = which; row.classList.add('current'); }
    });
    document.addEventListener('keydown', function (event) {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) { return; }
      var key = event.key;
      if (key === 'Escape') { document.activeElement.blur(); go(pane, mark(pane)); return; }
      if (typing(event.target)) {
        if (key === 'Enter' && event.target.form === form) {
          event.preventDefault();
          press(form.querySelector('[data-do="' + (form.dataset.next || 'match') + '"]'));
        } else if (key === 'Enter' && event.target === filter) {
          event.preventDefault();
          go(0, shown(0)[0]);
        }
        return;
      }
      if (/^(BUTTON|A|SUMMARY)$/.test(event.target.tagName) && key === 'Enter') { return; }
      if (key === '/') { event.preventDefault(); event.stopImmediatePropagation(); filter.focus(); filter.select(); }
      else if (key === 'j' || key === 'ArrowDown') { event.preventDefault(); step(1); }
      else if (key === 'k' || key === 'ArrowUp') { event.preventDefault(); step(-1); }
      else if (key === 'l' || key === 'ArrowRight') { go(1, mark(1)); }
      else if (key === 'h' || key === 'ArrowLeft') { go(0, mark(0)); }
      else if (key === 'x' || key === ' ') { event.preventDefault(); if (marks[pane]) { tick(marks[pane]); } }
      else if (key === 'Enter') { event.preventDefault(); if (marks[0]) { press(marks[0].querySelector('[data-do=accept]')); } }
      else if (key === 'm' || key === 's') { event.preventDefault(); ask(key === 'm' ? 'match' : 'aside'); }
      else if (key === 'u' && form.querySelector('[data-do=undo]')) { event.preventDefault(); ask('undo'); }
    }, true);
    filter.addEventListener('input', function () {
      var words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      form.querySelectorAll('.bank-row').forEach(function (row) {
        var said = (row.dataset.said || '').toLowerCase();
        row.hidden = !words.every(function (word) { return said.indexOf(word) >= 0; });
      });
    });
    var rows = shown(0), at = form.dataset.at;
    go(0, rows.filter(function (row) { return at && row.dataset.ref === at; })[0] || rows[0]);
  }
  function drops() {
    var form = document.querySelector('[data-drop]');
    if (!form) { return; }
    ['dragenter', 'dragover'].forEach(function (name) {
      document.addEventListener(name, function (event) { event.preventDefault(); form.classList.add('over'); });
    });
    document.addEventListener('dragleave', function (event) { if (!event.relatedTarget) { form.classList.remove('over'); } });
    document.addEventListener('drop', function (event) {
      event.preventDefault();
      form.classList.remove('over');
      if (!event.dataTransfer || !event.dataTransfer.files.length) { return; }
      form.elements.file.files = event.dataTransfer.files;
      form.requestSubmit ? form.requestSubmit() : form.submit();
    });
  }
  document.addEventListener('DOMContentLoaded', start);
})();
