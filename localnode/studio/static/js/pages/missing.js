// There is no such page.

import { at, fill, h } from "../core/dom.js";
import { start } from "../core/shell.js";

start();
fill(at("view"), h("div", { class: "card empty" }, h("strong", {}, location.pathname), h("a", { href: "/" }, "Go to the overview")));
