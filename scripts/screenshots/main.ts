// `npm run screenshots [part of a name…]`: writes pictures of the screens into docs/images, of real servers with real receivers.
import { startBrowser } from "@fanfare/testkit/browser/browser";

import { ensurePage } from "../page-build.ts";
import { Gallery } from "./gallery.ts";
import { takePageShots } from "./page-shots.ts";
import { takePortalShots } from "./portal-shots.ts";

await ensurePage();
await using browser = await startBrowser();
const gallery = new Gallery(browser, process.argv.slice(2));
await takePageShots(gallery);
await takePortalShots(gallery);
