// Attempts to sign in at a real server behind a proxy. `sessions.all.test.ts` kills servers whose sessions go on.
import { expect, it } from "vitest";

import { startHere } from "./server-here.ts";

const PAGE = { "secret-key": "", "fanfare-page": "1" };
const UNKNOWN_KEY = `sk_${"A".repeat(43)}`;

it("are refused to who has failed ten times, as a trusted proxy tells the addresses, and made by others", async () => {
	await using server = await startHere({
		FANFARE_TRUSTED_PROXIES: "127.0.0.1",
		FANFARE_PUBLIC_URL: "https://example.com/fanfare",
	});
	const signIn = (key: string, address: string) =>
		server.call("POST", "/sessions", { key }, { ...PAGE, "x-forwarded-for": address });
	for (let n = 0; n < 10; n++) {
		// What a client puts in front of its own address is not believed.
		expect((await signIn(UNKNOWN_KEY, `198.51.100.${n}, 2001:db8:1:2::${n}`)).status).toBe(401);
	}
	const refused = await signIn(server.key, "2001:db8:1:2:ffff::1");
	expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([429, true]);
	const other = await signIn(server.key, "2001:db8:1:3::1");
	expect(other.status).toBe(200);
	const cookie = other.headers.get("set-cookie") ?? "";
	expect(cookie).toMatch(/^__Secure-fanfare-ws_.*; Path=\/fanfare; HttpOnly; SameSite=Strict; Secure$/);
	const asked = await server.call("GET", "/workspace/key", undefined, { ...PAGE, cookie: cookie.split(";")[0]! });
	expect(asked.json).toMatchObject({ kind: "session" });
	expect((await server.client.sessions.createLink()).url).toMatch(/^https:\/\/example\.com\/fanfare\/ui\/#link=sl_/);
});
