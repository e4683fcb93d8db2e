// Values of many types as JavaScript has them, reversed or given back.
import tell from "tell";

export const transform = {
  reversePoints: (v) => v.reverse(),
  sameShape: (v) => v,
  nextColor: (v) => ({ red: "green", green: "blue", blue: "red" })[v],
  invertAccess: (v) => ({ read: !v.read, write: !v.write, execute: !v.execute }),
  reverseText: (v) => [[...v].reverse().join(""), v.length],
  reverseBytes: (v) => v.slice().reverse(),
  sameNumbers: (...v) => v,
  double: (v) => v.map((x) => x * 2),
  sameOption: (v) => v,
  check: (n) => {
    if (n % 2) throw n;
    return String(n);
  },
  reverseChars: (v) => v.reverse(),
};

export function ask(n) {
  return tell(`asked ${n}`, n) + "!";
}
