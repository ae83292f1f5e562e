// Responses of the server with all digits of their numbers: the SDK returns JavaScript numbers, which rounds large ones.
import type { Client } from "@fanfare/sdk";

import type { Call } from "./call.ts";
import { patient, timeoutOf } from "./patience.ts";
import { parseExactly } from "./values.ts";

/** Makes calls with the SDK, which checks the answers, and gives the body of each answer once more, with exact numbers. */
export async function exactAnswers<T>(call: Call, make: (client: Client) => Promise<unknown>): Promise<T[]> {
	const { Client } = await import("@fanfare/sdk");
	const { url, key } = call.connection;
	const texts: string[] = [];
	const { fetch: patientFetch = fetch, ...options } = patient(url, timeoutOf(), (line) => call.output.note(line));
	const client = new Client(key, {
		...options,
		fetch: async (address, init) => {
			const response = await patientFetch(address, init);
			const { status, headers } = response;
			const text = async () => {
				const body = await response.text();
				if (status === 200) texts.push(body);
				return body;
			};
			return { status, headers, text };
		},
	});
	await make(client);
	return texts.map((text) => parseExactly(text) as T);
}
