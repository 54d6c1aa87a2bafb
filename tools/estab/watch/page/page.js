// SPDX-License-Identifier: BSD-2-Clause
// page.js - reads the data of the page and shows it. Text from a capture is only ever set as text.
'use strict';
(function () {
const begun = performance.now();
const data = JSON.parse(document.getElementById('data').textContent);
const conns = data.conns;

// The order in which page.c writes a connection.
const START = 0, OIP = 1, OPORT = 2, RIP = 3, RPORT = 4, BY = 5, OSTATE = 6, RSTATE = 7, INFERRED = 8, ENDED = 9,
  ZEEK = 10, HISTORY = 11, LASTED = 12, SENT = 13, RECEIVED = 14, OPKTS = 15, RPKTS = 16, NOTES = 17, UID = 18,
  PACE = 19, LADDER = 20;
// And a segment of a ladder.
const S_TIME = 0, S_FROM = 1, S_FLAGS = 2, S_SEQ = 3, S_BYTES = 4, S_ACK = 5, S_WINDOW = 6, S_STATE = 7,
  S_INFERRED = 9, S_MARKS = 10, S_PACKET = 11;

const ROW = 26; // pixels, as page.css has it
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];
const BAD_END = /refused|reset|no answer|RST/;

const $ = id => document.getElementById(id);

function element(name, className, text) {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

function seconds(us) {
  return (us / 1e6).toFixed(6);
}

function thousands(n) {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

function plural(n, what) {
  return thousands(n) + ' ' + what + (n === 1 ? '' : 's');
}

function endpoint(ip, port) {
  return (ip.includes(':') ? '[' + ip + ']' : ip) + ':' + port;
}

// ---- Columns

function stateText(c, side) {
  return data.states[c[OSTATE + side]];
}

function stateClass(c, side) {
  return c[INFERRED] >> side & 1 ? 'inferred' : '';
}

// So that 9.0.0.1 comes before 10.0.0.1; IPv6 behind IPv4, by its groups.
function ipKey(ip) {
  if (!ip.includes(':')) return ip.split('.').map(n => n.padStart(3, '0')).join('');
  const halves = ip.split('::').map(h => h ? h.split(':') : []);
  const zeros = halves.length > 1 ? Array(Math.max(0, 8 - halves[0].length - halves[1].length)).fill('0') : [];
  return '~' + [...halves[0], ...zeros, ...(halves[1] || [])].map(g => g.padStart(4, '0')).join('');
}

const COLUMNS = [
  {name: '#', number: true, key: null, text: (c, i) => i + 1},
  {name: 'start', number: true, key: c => c[START], text: c => seconds(c[START])},
  {name: 'originator', key: c => ipKey(c[OIP]) + String(c[OPORT]).padStart(5, '0'), text: c => endpoint(c[OIP], c[OPORT])},
  {name: 'responder', key: c => ipKey(c[RIP]) + String(c[RPORT]).padStart(5, '0'), text: c => endpoint(c[RIP], c[RPORT])},
  {name: 'opened', key: c => c[BY], text: c => c[BY]},
  {name: 'orig state', key: c => stateText(c, 0), text: c => stateText(c, 0), class: c => stateClass(c, 0)},
  {name: 'resp state', key: c => stateText(c, 1), text: c => stateText(c, 1), class: c => stateClass(c, 1)},
  {name: 'ended', key: c => c[ENDED], text: c => c[ENDED],
    class: c => BAD_END.test(c[ENDED]) ? 'red' : c[ENDED].startsWith('closed') ? 'green' : ''},
  {name: 'zeek', key: c => c[ZEEK], text: c => c[ZEEK]},
  {name: 'history', key: c => c[HISTORY], text: c => c[HISTORY]},
  {name: 'duration', number: true, key: c => c[LASTED], text: c => c[LASTED] < 0 ? '-' : seconds(c[LASTED])},
  {name: 'sent', number: true, key: c => c[SENT], text: c => c[LASTED] < 0 ? '-' : thousands(c[SENT])},
  {name: 'received', number: true, key: c => c[RECEIVED], text: c => c[LASTED] < 0 ? '-' : thousands(c[RECEIVED])},
  {name: 'notes', key: c => c[NOTES], text: c => c[NOTES], class: () => 'gold'},
];

// ---- What is shown

const view = {filter: '', sort: 0, down: false, span: null, picked: ''};
let shown = []; // indices into conns, in the order shown
let texts = null;

function textOf(i) {
  if (!texts) texts = new Array(conns.length);
  if (texts[i] === undefined) {
    const c = conns[i];
    texts[i] = [endpoint(c[OIP], c[OPORT]), endpoint(c[RIP], c[RPORT]), stateText(c, 0), stateText(c, 1), c[ENDED],
      c[ZEEK], c[HISTORY], c[NOTES], c[UID]].join(' ').toLowerCase();
  }
  return texts[i];
}

const KEYS = {
  port: (c, v) => String(c[OPORT]) === v || String(c[RPORT]) === v,
  ip: (c, v) => c[OIP] === v || c[RIP] === v,
  src: (c, v) => c[OIP] === v,
  dst: (c, v) => c[RIP] === v,
  state: (c, v) => stateText(c, 0).toLowerCase() === v || stateText(c, 1).toLowerCase() === v,
  zeek: (c, v) => c[ZEEK].toLowerCase() === v,
  uid: (c, v) => c[UID].toLowerCase() === v,
};

function tests(words) {
  return words.toLowerCase().split(/\s+/).filter(w => w && w !== '-').map(word => {
    const not = word[0] === '-';
    const plain = not ? word.slice(1) : word;
    const colon = plain.indexOf(':');
    const key = colon > 0 && KEYS.hasOwnProperty(plain.slice(0, colon)) ? KEYS[plain.slice(0, colon)] : null;
    const value = key ? plain.slice(colon + 1) : plain;
    return key ? i => key(conns[i], value) !== not : i => textOf(i).includes(value) !== not;
  });
}

function choose() {
  const all = tests(view.filter);
  shown = [];
  for (let i = 0; i < conns.length; i++) {
    const start = conns[i][START];
    if (view.span && (start < view.span[0] || start > view.span[1])) continue;
    if (all.every(test => test(i))) shown.push(i);
  }
  const column = COLUMNS[view.sort];
  if (column.key) {
    const keys = new Map(shown.map(i => [i, column.key(conns[i])]));
    shown.sort((a, b) => {
      const x = keys.get(a), y = keys.get(b);
      return x < y ? -1 : x > y ? 1 : a - b;
    });
  }
  if (view.down) shown.reverse();
  $('space').style.height = shown.length * ROW + 'px';
  $('table').setAttribute('aria-rowcount', shown.length + 1); // with the head: most are not in the document
  $('body').scrollTop = 0;
  $('count').textContent = shown.length === conns.length ? plural(conns.length, 'connection')
    : thousands(shown.length) + ' of ' + plural(conns.length, 'connection');
  $('all').hidden = !(view.filter || view.span);
  drawHead();
  drawRows();
  drawTimeline();
  writeHash();
}

function drawHead() {
  const head = $('head');
  head.replaceChildren(...COLUMNS.map((column, i) => {
    const b = element('button', column.number ? 'number' : '', column.name + (view.sort === i ? view.down ? ' ▾' : ' ▴' : ''));
    b.type = 'button';
    b.setAttribute('role', 'columnheader');
    b.setAttribute('aria-sort', view.sort !== i ? 'none' : view.down ? 'descending' : 'ascending');
    b.addEventListener('click', () => {
      view.down = view.sort === i ? !view.down : false;
      view.sort = i;
      choose();
    });
    return b;
  }));
}

// Only the rows that can be seen are there.
function drawRows() {
  const body = $('body');
  const first = Math.max(0, Math.floor(body.scrollTop / ROW) - 4);
  const last = Math.min(shown.length, Math.ceil((body.scrollTop + body.clientHeight) / ROW) + 4);
  const rows = [];
  for (let at = first; at < last; at++) {
    const i = shown[at], c = conns[i];
    const row = element('div', c[UID] === view.picked ? 'row picked' : 'row');
    row.style.top = at * ROW + 'px';
    row.setAttribute('role', 'row');
    row.setAttribute('aria-rowindex', at + 2);
    row.setAttribute('aria-selected', c[UID] === view.picked);
    row.dataset.at = at;
    for (const column of COLUMNS) {
      const text = String(column.text(c, i));
      const cell = element('span', (column.number ? 'number ' : '') + (column.class ? column.class(c) : ''), text);
      cell.title = text;
      cell.setAttribute('role', 'gridcell');
      row.append(cell);
    }
    rows.push(row);
  }
  $('space').replaceChildren(...rows);
}

// ---- One connection

function flagNames(flags) {
  return FLAGS.filter((_, i) => flags >> i & 1).join('|') || 'no flag';
}

function stepState(s, side) {
  return element('span', s[S_INFERRED] >> side & 1 ? 'inferred' : '', data.states[s[S_STATE + side]]);
}

function step(s, explained) {
  const row = element('div', 'step');
  const words = data.marks.filter((_, i) => s[S_MARKS] >> i & 1);
  row.append(element('span', 'time', seconds(s[S_TIME])), stepState(s, 0));
  const arrow = element('span', s[S_FROM] ? 'arrow left' : 'arrow');
  let label = flagNames(s[S_FLAGS]) + ' ' + s[S_SEQ] + ':' + (s[S_SEQ] + s[S_BYTES]) + '(' + s[S_BYTES] + ')';
  if (s[S_FLAGS] & 16) label += ' ack ' + s[S_ACK];
  if (!(s[S_FLAGS] & 4)) label += ' win ' + s[S_WINDOW];
  const text = element('span', '', label);
  if (words.length) text.append(' ', element('span', 'mark', words.map(w => w[0].replace(/_/g, ' ')).join(', ')));
  arrow.title = 'packet ' + s[S_PACKET];
  arrow.append(element('i'), text, element('i'), element('span', '', s[S_FROM] ? '◀' : '▶'));
  row.append(arrow, stepState(s, 1));
  for (const word of words)
    if (!explained.has(word[0])) {
      explained.add(word[0]);
      row.append(element('span', 'says', word[1]));
    }
  return row;
}

function ladder(c) {
  const all = element('div', 'ladder'), explained = new Set();
  const top = element('div', 'step top');
  top.append(element('span'), element('span', '', 'originator'), element('span'), element('span', '', 'responder'));
  all.append(top);
  for (const s of c[LADDER]) {
    if (s.length > 4) {
      all.append(step(s, explained));
      continue;
    }
    const row = element('div', 'step'), words = [];
    if (s[0]) words.push('▶ ' + plural(s[0], 'segment') + ' with ' + plural(s[1], 'octet'));
    if (s[2]) words.push('◀ ' + plural(s[2], 'segment') + ' with ' + plural(s[3], 'octet'));
    row.append(element('span', 'fold', '⋮ ' + words.join(', ')));
    all.append(row);
  }
  return all;
}

function showDetail() {
  const detail = $('detail'), c = conns.find(x => x[UID] === view.picked);
  detail.hidden = !c;
  if (!c) return;
  const title = element('h2');
  const close = element('button', '', '✕');
  close.type = 'button';
  close.title = 'close';
  close.setAttribute('aria-label', 'close');
  close.addEventListener('click', () => pick(''));
  title.append(element('span', '', endpoint(c[OIP], c[OPORT]) + ' → ' + endpoint(c[RIP], c[RPORT])), close);
  const facts = element('p', '', 'Opened by ' + c[BY] + '; ' + c[ENDED] + (c[NOTES] ? '; ' + c[NOTES] : '') + '.');
  const counts = element('p', 'soft', c[ZEEK] + ' ' + c[HISTORY] + ', ' + plural(c[OPKTS], 'packet') + ' with ' +
    plural(c[SENT], 'octet') + ' and ' + plural(c[RPKTS], 'packet') + ' with ' + plural(c[RECEIVED], 'octet') + ' back.');
  const pace = element('p', 'soft', c[PACE] ? c[PACE][0].toUpperCase() + c[PACE].slice(1) + '.' : '');
  const uid = element('p', 'soft');
  uid.append('uid ', element('code', '', c[UID]));
  detail.replaceChildren(title, facts, counts, ...(c[PACE] ? [pace] : []), uid);
  for (const d of data.doubts)
    if (d[2] === c[UID])
      detail.append(element('p', 'red', 'Packet ' + d[0] + ', two readings (' + d[3].replace(/_/g, ' ') + '): ' + d[4] + '; or ' + d[5]));
  if (c[LADDER]) detail.append(ladder(c), element('p', 'soft', 'A state in italics is inferred from what the other side sent.'));
  const more = element('p', 'soft', c[LADDER] ? 'In full: ' : 'Its segments are not kept in this page: ');
  more.append(element('code', '', 'estab watch --ladder ' + c[UID] + ' FILE'));
  detail.append(more);
  detail.scrollTop = 0;
}

function pick(uid) {
  view.picked = uid;
  showDetail();
  drawRows();
  writeHash();
}

function move(by) {
  const at = shown.findIndex(i => conns[i][UID] === view.picked);
  const next = Math.min(shown.length - 1, Math.max(0, at + by));
  if (next < 0) return;
  const body = $('body');
  if (next * ROW < body.scrollTop) body.scrollTop = next * ROW;
  if ((next + 1) * ROW > body.scrollTop + body.clientHeight) body.scrollTop = (next + 1) * ROW - body.clientHeight;
  pick(conns[shown[next]][UID]);
}

// ---- Timeline

const SVG = 'http://www.w3.org/2000/svg';

function shape(name, attributes, className) {
  const e = document.createElementNS(SVG, name);
  for (const a in attributes) e.setAttribute(a, attributes[a]);
  if (className) e.setAttribute('class', className);
  return e;
}

function spanOfTime() {
  return Math.max(1, data.lasted);
}

function drawTimeline() {
  const svg = $('timeline'), width = svg.clientWidth || 1000, height = 64, floor = 48, n = 160;
  const all = new Array(n).fill(0), bad = new Array(n).fill(0);
  for (const i of shown) {
    const bucket = Math.min(n - 1, Math.max(0, Math.floor(conns[i][START] / spanOfTime() * n)));
    all[bucket]++;
    if (BAD_END.test(conns[i][ENDED])) bad[bucket]++;
  }
  const most = Math.max(1, ...all), shapes = [];
  const x = us => Math.min(1, Math.max(0, us / spanOfTime())) * width;
  for (let i = 0; i < n; i++) {
    if (!all[i]) continue;
    const h = Math.max(2, all[i] / most * 38), b = bad[i] ? Math.max(2, bad[i] / most * 38) : 0;
    shapes.push(shape('rect', {x: i * width / n, y: floor - h, width: Math.max(1, width / n - 1), height: h}, 'bar'));
    if (b) shapes.push(shape('rect', {x: i * width / n, y: floor - b, width: Math.max(1, width / n - 1), height: b}, 'bar bad'));
  }
  for (const a of data.alerts)
    shapes.push(shape('rect', {x: x(a.first), y: 1, width: Math.max(3, x(a.last) - x(a.first)), height: 4}, 'span'));
  if (view.span)
    shapes.push(shape('rect', {x: x(view.span[0]), y: 0, width: Math.max(2, x(view.span[1]) - x(view.span[0])), height: floor}, 'brush'));
  for (let i = 0; i <= 4; i++) {
    const text = shape('text', {x: width * i / 4, y: height - 3, 'text-anchor': i === 0 ? 'start' : i === 4 ? 'end' : 'middle'});
    text.textContent = (spanOfTime() * i / 4 / 1e6).toFixed(3) + ' s';
    shapes.push(text);
  }
  svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
  svg.replaceChildren(...shapes);
}

function listenToBrush() {
  const svg = $('timeline');
  let from = null;
  const at = e => {
    const box = svg.getBoundingClientRect();
    return Math.min(1, Math.max(0, (e.clientX - box.left) / box.width)) * spanOfTime();
  };
  svg.addEventListener('pointerdown', e => {
    from = at(e);
    svg.setPointerCapture(e.pointerId);
  });
  svg.addEventListener('pointerup', e => {
    if (from === null) return;
    const to = at(e), span = [Math.min(from, to), Math.max(from, to)];
    from = null;
    view.span = span[1] - span[0] < spanOfTime() / 500 ? null : span; // a click: all again
    choose();
  });
}

// ---- Alerts, facts

function answerRow(a) {
  const row = element('div', a[0] === 'open' ? 'answer open' : 'answer');
  row.append(element('b', '', a[0].replace(/_/g, ' ')),
    element('span', '', a[2].slice(0, 24).join(', ') + (a[1] > Math.min(24, a[2].length) ? ' and ' + thousands(a[1] - Math.min(24, a[2].length)) + ' more' : '')));
  return row;
}

function alertCard(a) {
  const card = element('div', 'alert'), title = element('h2'), evidence = element('table', 'evidence');
  const show = element('button', '', 'its connections');
  show.type = 'button';
  show.addEventListener('click', () => {
    const words = [];
    if (a.src_count === 1) words.push('ip:' + a.src[0]);
    if (a.dst_count === 1) words.push('ip:' + a.dst[0]);
    setFilter(words.join(' '));
  });
  title.append(element('span', '', a.text), element('small', '', [a.geometry, 'confidence ' + a.confidence + ' %',
    plural(a.probes, a.unit), seconds(a.first) + ' to ' + seconds(a.last) + ' s', a.id].filter(Boolean).join(', ')), show);
  card.dataset.kind = a.kind;
  card.append(title, element('p', '', a.summary), ...a.answers.map(answerRow));
  const why = element('details');
  why.append(element('summary', '', 'How it was recognised, and by which packets'), element('p', '', a.explanation), evidence);
  for (const e of a.evidence) {
    const row = element('tr');
    row.append(element('td', 'number', 'packet ' + e[0]), element('td', 'number', seconds(e[1])), element('td', '', e[2]));
    evidence.append(row);
  }
  card.append(why);
  return card;
}

function showFacts() {
  document.title = 'estab watch: ' + data.files.join(', ');
  $('files').textContent = data.files.join(', ');
  $('facts').textContent = plural(data.packets, 'packet') + ' in ' + seconds(data.lasted) + ' s, begun ' +
    new Date(data.begun).toISOString().replace('T', ' ').replace('Z', ' UTC') + ': ' + plural(data.flows, 'connection') +
    ', ' + plural(data.alerts.length, 'alert');
  $('alerts').replaceChildren(...(data.alerts.length ? data.alerts.map(alertCard)
    : [element('div', 'quiet', 'No scan or attack recognised.')]));
  const foot = $('foot'), left = [];
  if (data.rows_left_out) left.push(plural(data.rows_left_out, 'connection') + ' more than this page holds');
  if (data.ladders_left_out) left.push(plural(data.ladders_left_out, 'connection') + ' without segments in this page');
  if (data.alerts_left_out) left.push(plural(data.alerts_left_out, 'alert') + ' more than this page holds');
  foot.append(element('span', '', [...data.counts.map(c => thousands(c[0]) + ' ' + c[1]), ...left].join(' · ')));
  foot.append(...listOf(data.errors, data.errors_left_out, 'where a file cannot be read', e => e[1] + ', offset ' + e[0] + ': ' + e[2]),
    ...listOf(data.doubts, data.doubts_left_out, 'where the wire leaves two readings',
      d => 'packet ' + d[0] + ' (' + d[2] + '), ' + d[3].replace(/_/g, ' ') + ': ' + d[4] + '; or ' + d[5]));
}

// A heading that opens to the places, and how many more there are.
function listOf(places, leftOut, what, text) {
  if (!places.length) return [];
  const more = element('details');
  more.append(element('summary', '', plural(places.length + leftOut, 'place') + ' ' + what), ...places.map(p => element('div', '', text(p))));
  if (leftOut) more.append(element('div', '', 'and ' + plural(leftOut, 'place') + ' more than this page holds'));
  return [more];
}

// ---- Begin

function setFilter(words) {
  view.filter = words;
  $('filter').value = words;
  choose();
}

// What is shown is in the address, so that it can be sent to somebody: #f=words&s=column&c=uid&t=from-to&m=dark
function writeHash() {
  const words = new URLSearchParams();
  if (view.filter) words.set('f', view.filter);
  if (view.sort || view.down) words.set('s', (view.down ? '-' : '') + COLUMNS[view.sort].name);
  if (view.picked) words.set('c', view.picked);
  if (view.span) words.set('t', view.span.map(Math.round).join('-'));
  const theme = document.documentElement.dataset.theme;
  if (theme) words.set('m', theme);
  const hash = words.toString();
  try {
    history.replaceState(null, '', hash ? '#' + hash : location.pathname + location.search);
  } catch (e) { /* not everywhere may a file change its address */ }
}

function readHash() {
  const words = new URLSearchParams(location.hash.slice(1));
  const sort = words.get('s') || '', span = (words.get('t') || '').split('-').map(Number);
  view.filter = words.get('f') || '';
  view.down = sort[0] === '-';
  view.sort = Math.max(0, COLUMNS.findIndex(c => c.name === sort.replace(/^-/, '')));
  view.picked = words.get('c') || '';
  view.span = span.length === 2 && span[1] > span[0] ? span : null;
  if (words.get('m') === 'dark' || words.get('m') === 'light') document.documentElement.dataset.theme = words.get('m');
}

readHash();
showFacts();
$('filter').value = view.filter;
let waiting = 0;
$('filter').addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    view.filter = $('filter').value;
    choose();
  }, 120);
});
$('all').addEventListener('click', () => {
  view.span = null;
  setFilter('');
});
$('theme').addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  writeHash();
});
$('body').addEventListener('scroll', drawRows, {passive: true});
$('body').addEventListener('click', e => {
  const row = e.target.closest('.row');
  if (row) pick(conns[shown[Number(row.dataset.at)]][UID]);
});
document.addEventListener('keydown', e => {
  const typing = e.target.tagName === 'INPUT';
  if (e.key === 'Escape') {
    if (typing) e.target.blur();
    else pick('');
  } else if (typing) {
    return;
  } else if (e.key === '/') {
    $('filter').focus();
    e.preventDefault();
  } else if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
    move(e.key === 'ArrowDown' ? 1 : -1);
    e.preventDefault();
  }
});
addEventListener('resize', () => {
  drawRows();
  drawTimeline();
});
listenToBrush();
showDetail();
choose();
document.documentElement.dataset.readyMs = Math.round(performance.now());
document.documentElement.dataset.buildMs = Math.round(performance.now() - begun);
})();
