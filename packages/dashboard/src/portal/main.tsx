// The entry of the portal: takes the token out of the address, finds out whether a page is around it, and renders.
import { createRoot } from "react-dom/client";

import { createQueryClient } from "../session/query-client.ts";
import { App } from "./app.tsx";
import { HostFrame } from "./frame/host-frame.ts";
import { hostOrigin } from "./frame/messages.ts";

import "../parts/code/plain-text.css";
import "./portal.css";
import "./screens.css";
import { PortalSession } from "./session/portal-session.ts";
import { keptToken, takeLinkedToken } from "./session/token.ts";

// Before anything else, so that the token is not in the address when something could read that.
const linked = takeLinkedToken();
const isFramed = window.parent !== window;
const origin = isFramed ? hostOrigin(location.search) : null;
const host = origin === null ? null : new HostFrame(origin);
/** This file is in `portal/assets/`, whatever the depth of the address, and whatever path prefix a proxy adds. */
const home = new URL(/* @vite-ignore */ "..", import.meta.url);
const queryClient = createQueryClient();
const session = new PortalSession({
	endpoint: new URL("..", home),
	askForToken: host === null ? null : () => host.askForToken(),
	// In a frame the token is in memory only: several portals may share the storage of a tab.
	isKept: !isFramed,
	onOpen: (isOtherCustomer) => {
		if (isOtherCustomer) queryClient.clear();
		else void queryClient.invalidateQueries();
	},
});
const token = linked ?? (isFramed ? null : keptToken());
if (token !== null) session.begin(token);

const root = document.getElementById("root");
if (root === null) throw new Error("portal.html has no element #root");
document.documentElement.dataset["framed"] = String(isFramed);
createRoot(root).render(
	<App home={home} session={session} queryClient={queryClient} host={host} isFramed={isFramed} />,
);
host?.follow(root);
