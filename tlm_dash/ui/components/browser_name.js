// The name of who is at this browser: told to the page once for each visit, and kept when it changes there.
// The page tells visits apart by their token; `change` counts what was said in one of them.
const KEY = "tlm-dash-name";
const LONGEST = 10000; // a name is far shorter: what is longer is no name, and does not travel

function readName() {
  try {
    const name = window.localStorage.getItem(KEY);
    return name === null ? null : name.slice(0, LONGEST);
  } catch {
    return null;
  }
}

function canKeep() {
  try {
    window.localStorage.setItem(`${KEY}-try`, "yes");
    window.localStorage.removeItem(`${KEY}-try`);
    return true;
  } catch {
    return false;
  }
}

function keep(name) {
  try {
    window.localStorage.setItem(KEY, name);
    return true;
  } catch {
    return false;
  }
}

export default function ({ data, setTriggerValue }) {
  // On the window, since this part may be made anew while the visit goes on.
  const visit = (window.tlmDashVisit ??= { token: null, change: 0 });
  if (visit.token !== data.token) {
    Object.assign(visit, { token: data.token, change: data.change });
    setTriggerValue("told", { token: data.token, name: readName(), can_keep: canKeep() });
  }
  if (data.change > visit.change) {
    visit.change = data.change;
    if (!keep(data.name)) setTriggerValue("told", { token: data.token, name: null, can_keep: false });
  }
}
