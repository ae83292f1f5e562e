// A server that is no Fanfare, or another version of one, to which a command talks.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export interface OtherServer extends AsyncDisposable {
	readonly url: string;
	/** The environment of a command that takes it for its server. */
	readonly env: Readonly<Record<string, string>>;
}

/** Answers every request as `answer` says. */
export async function startOther(answer: RequestListener): Promise<OtherServer> {
	const server = createServer((request, response) => {
		request.resume();
		answer(request, response);
	});
	await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const env = { FANFARE_URL: url, FANFARE_KEY: "sk_x", FANFARE_PROJECT: `proj_${"0".repeat(32)}` };
	const close = async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	};
	return { url, env, [Symbol.asyncDispose]: close };
}

/** Answers every request with this JSON. */
export function startAnswering(body: unknown): Promise<OtherServer> {
	return startOther((_, response) => {
		response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
	});
}
