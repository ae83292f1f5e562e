// Sites for the tests of the element: a host page under a strict policy, and a stand-in for the portal, which notes what it is told
// and says what the test wants. (The real portal is in stories.all.test.ts, and in the dashboard.)
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

/** What the stand-in has in its window. */
export interface StandIn {
	readonly received: { readonly data: Record<string, unknown>; readonly origin: string }[];
	say(message: unknown, target?: string): void;
}

const NO_ICON = '<!doctype html><link rel="icon" href="data:,">';
const STAND_IN = `${NO_ICON}<title>Portal</title><script>
	const received = [];
	addEventListener("message", ({ data, origin }) => received.push({ data, origin }));
	const say = (message, target = "*") => parent.postMessage(message, target);
	Object.assign(window, { received, say });
	// Like the portal, which says so when it is there.
	say({ source: "fanfare-portal", version: 1, kind: "ready" });
</script>`;

export interface Site extends AsyncDisposable {
	readonly port: number;
}

/** The code of a package for a browser. */
export async function bundle(file: string, isMinified = false): Promise<string> {
	const { outputFiles } = await build({
		entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
		bundle: true,
		format: "esm",
		target: "es2022",
		minify: isMinified,
		write: false,
		define: { "process.env.NODE_ENV": '"production"' },
	});
	return outputFiles[0]!.text;
}

/** Starts a site of these files, by path. A path that is not there is an empty page. */
async function startSite(
	files: Readonly<Record<string, string>>,
	headers: Record<string, string>,
	fallback: string,
): Promise<Site> {
	const answer = (path: string, response: ServerResponse) => {
		const type = path.endsWith(".js") ? "text/javascript" : "text/html";
		response.writeHead(200, { "content-type": type, ...headers });
		response.end(files[path] ?? fallback);
	};
	const server = createServer(({ url = "/" }, response) => answer(url.split("?")[0]!, response));
	await new Promise<void>((resolve) => server.listen(0, () => resolve()));
	const { port } = server.address() as AddressInfo;
	const dispose = async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	};
	return { port, [Symbol.asyncDispose]: dispose };
}

/** A site with the element in `/portal.js` and the React component in `/react.js`, whose pages allow nothing but these and frames of `framed`. */
export async function startHost(framed: string): Promise<Site> {
	const [element, react] = await Promise.all([bundle("../src/index.ts"), bundle("./react-page.ts")]);
	const policy = `default-src 'none'; script-src 'self'; img-src data:; frame-src ${framed}`;
	return startSite({ "/portal.js": element, "/react.js": react }, { "content-security-policy": policy }, NO_ICON);
}

/** The stand-in for the portal, on every path. */
export async function startStandIn(): Promise<Site> {
	return startSite({}, {}, STAND_IN);
}
