// One listener of each kind for the life of the component: tabs, the line of a before-and-after, downloads.
let at = '';  // where the line was dragged to: it stays there when the pictures are replaced
let view = new URLSearchParams(location.search).get('view');

const showView = () => {
  const tabs = [...element.querySelectorAll('[role=tab]')];
  const chosen = tabs.find((tab) => tab.dataset.view === view) || tabs[0];
  tabs.forEach((tab) => {
    const on = tab === chosen;
    tab.setAttribute('aria-selected', String(on));
    tab.tabIndex = on ? 0 : -1;
    element.querySelector(`[role=tabpanel][data-view="${tab.dataset.view}"]`).hidden = !on;
  });
  if (at) element.querySelectorAll('.dp-compare').forEach(setLine);
  setHere();
};

const setLine = (compare) => {
  compare.style.setProperty('--at', `${at}%`);
  compare.querySelector('input').value = at;
};

const setHere = () => {
  const here = element.querySelector('.dp-here');
  if (here) here.href = location.pathname + location.search;
};

const pick = (tab) => {
  view = tab.dataset.view;
  const query = new URLSearchParams(location.search);
  query.set('view', view);
  history.replaceState(history.state, '', `?${query}`);
  showView();
};

// A browser saves a blob of any size, a data: address only of some.
const save = (link) => {
  const [head, body] = link.getAttribute('href').split(',', 2);
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], {type: head.slice(5).split(';')[0]}));
  const copy = document.createElement('a');
  copy.href = url;
  copy.download = link.download;
  copy.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
};

element.addEventListener('click', (event) => {
  const tab = event.target.closest('[role=tab]');
  if (tab) pick(tab);
  const link = event.target.closest('a[download]');
  if (link) {
    event.preventDefault();
    save(link);
  }
});
element.addEventListener('pointerdown', setHere);
element.addEventListener('focusin', setHere);
element.addEventListener('keydown', (event) => {
  const tab = event.target.closest('[role=tab]');
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!tab || !step) return;
  const tabs = [...element.querySelectorAll('[role=tab]')];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  pick(next);
  next.focus();
});
element.addEventListener('input', (event) => {
  const compare = event.target.closest('.dp-compare');
  if (!compare) return;
  at = event.target.value;
  setLine(compare);
});
// gradio patches the old elements with the new attributes: a new picture may come without a new element.
const watched = {childList: true, subtree: true, attributes: true, attributeFilter: ['src']};
new MutationObserver(showView).observe(element, watched);
showView();
