// Imported before the handler's module, where that may come to Math.random: see json.js.
import { random } from "../globals/random.js";

Math.random = random;
