/** The RT kiosk and the district monitor: paired once, then never touched again. */
import "../theme.css";
import "./kiosk.css";
import { Board } from "./board";
import { keep } from "./keeping";
import { Refused } from "./line";
import { pairing } from "./pairing";

const root = document.getElementById("kiosk")!;
keep();
void pairing(root)
  .then((paired) => new Board(root, paired).run())
  .catch((error: unknown) => {
    // Unpaired, or a mistake of ours: either way a fresh page is the way back. Not at once, lest it reload for ever.
    console.warn("kiosk", error);
    setTimeout(() => location.reload(), error instanceof Refused ? 2_000 : 15_000);
  });
