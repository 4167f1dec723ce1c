// The page of one user, whose id is the fragment of the address: /#anna. Each click is a POST with an Idempotency-Key of
// its own. The page repeats it until an answer says whether it was counted, so each click counts once.

const FIRST_USER = '249';
const TIMEOUT = 15_000; // in milliseconds: more than nginx takes to answer
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;

/** After an answer with such a status, the same request may succeed. */
const REPEATABLE = [429, 502, 503, 504];

const [counter, user, number, add, state, trouble, effect, detail, choice, id] =
  ['counter', 'user', 'number', 'add', 'state', 'trouble', 'effect', 'detail', 'choice', 'id']
    .map(name => document.getElementById(name));

class User {
  count; // that of the last answer
  problem = ''; // that of the last answer
  refusedClicks = 0;
  requests = []; // those without an answer, the oldest first

  constructor(id) {
    this.path = `/users/${encodeURIComponent(id)}`;
    this.id = id;
  }

  get waitingClicks() {
    return this.requests.filter(request => request.method === 'POST').length;
  }

  read() {
    if (this.requests.length === 0) {
      this.send({ method: 'GET', cache: 'no-store' });
    }
  }

  addOne() {
    this.send({ method: 'POST', headers: { 'Idempotency-Key': `"${uuid()}"` } });
  }

  /** One request follows the other, so that an old count never replaces a newer one. */
  async send(request) {
    this.requests.push(request);
    setTimeout(render, 200); // most answers come sooner, and would only make the text flicker
    if (this.requests.length > 1) {
      return;
    }
    while (this.requests.length > 0) {
      await this.answer(this.requests[0]);
      this.requests.shift();
      render();
    }
  }

  /** Repeats a request until it is answered, but a GET only as long as somebody wants to see its answer. */
  async answer(request) {
    let pause = FIRST_PAUSE;
    while (request.method === 'POST' || this === shown) {
      const wait = await this.attempt(request);
      if (wait === undefined) {
        return;
      }
      render();
      await new Promise(resume => setTimeout(resume, Math.max(wait, pause)));
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  /** Returns how many milliseconds to wait before the same request, or undefined after an answer. */
  async attempt(request) {
    if (new URL(this.path, location).pathname !== this.path) {
      return this.refuse(request, 'A user id is neither . nor .., which have another meaning in an address');
    }
    try {
      const response = await fetch(this.path, { ...request, signal: AbortSignal.timeout(TIMEOUT) });
      if (response.ok) {
        this.count = BigInt(await response.text());
        this.problem = '';
        this.refusedClicks = 0;
        return undefined;
      }
      const { detail = `The answer has the status ${response.status}` } = await response.json().catch(() => ({}));
      if (!REPEATABLE.includes(response.status)) {
        return this.refuse(request, detail);
      }
      this.problem = detail;
      return 1_000 * response.headers.get('Retry-After') || 0; // 0 also for a date
    } catch {
      this.problem = 'The service cannot be reached';
      return 0;
    }
  }

  refuse(request, problem) {
    this.problem = problem;
    if (request.method === 'POST') {
      this.refusedClicks++;
    }
  }
}

/** crypto.randomUUID exists only with TLS. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');
const users = new Map();
let shown;

function show() {
  const name = decoded(location.hash.slice(1)) || FIRST_USER;
  if (!users.has(name)) {
    users.set(name, new User(name));
  }
  shown = users.get(name);
  shown.read();
  render();
}

function decoded(fragment) {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment; // not encoded: typed by hand
  }
}

function render() {
  const { count, problem, waitingClicks, refusedClicks, requests } = shown;
  document.title = `${shown.id} · user-counter`;
  write(user, shown.id);
  if (write(number, count === undefined ? '–' : count.toLocaleString('en')) && !calm.matches) {
    number.animate({ scale: [1.05, 1] }, 200);
  }
  number.style.setProperty('--length', number.textContent.length);
  counter.dataset.state = problem ? 'trouble' : requests.length > 0 ? 'waiting' : 'saved';
  write(state, waitingClicks > 0 ? `${clicks(waitingClicks)} waiting`
    : requests.length > 0 ? 'Reading the number'
      : problem ? '' : 'Saved on disk');
  trouble.hidden = !problem;
  write(effect, !problem ? ''
    : waitingClicks > 0 ? 'Not counted yet. The page repeats each click until it is counted, and it counts once.'
      : requests.length > 0 ? 'The number is not known yet. The page asks again.'
        : refusedClicks > 0 ? `${clicks(refusedClicks)} not counted.` : 'This user has no number.');
  write(detail, problem);
}

/** Writes only what differs, since a screen reader reads what is written. Returns whether it wrote. */
function write(element, text) {
  const differs = element.textContent !== text;
  if (differs) {
    element.textContent = text;
  }
  return differs;
}

function clicks(amount) {
  return amount === 1 ? '1 click' : `${amount} clicks`;
}

add.addEventListener('click', () => shown.addOne());
choice.addEventListener('submit', event => {
  event.preventDefault();
  location.hash = encodeURIComponent(id.value.trim());
  choice.reset();
});
addEventListener('hashchange', show);
addEventListener('focus', () => shown.read()); // others may have counted meanwhile
addEventListener('beforeunload', event => {
  if ([...users.values()].some(user => user.waitingClicks > 0)) {
    event.preventDefault();
  }
});
show();
