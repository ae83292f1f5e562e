// What the server responds while it moves rows of an earlier version to their new form: it is alive, but not ready.
import { Hono } from "hono";

import { FanfareError } from "../core/errors.ts";
import type { RequestDeps } from "./deps.ts";
import { siteReply, type Site } from "./page/site.ts";
import { json, type Reply } from "./request/route.ts";
import { serve, type ApiContext, type ApiEnv, type Progress } from "./request/serve.ts";

/**
 * Takes the place of `createApi` until the store is open. `progress` says how far the move is, such as
 * `42 % (420,000 of 1,000,000 rows)`. The page is served as always: it says what the server is waiting for.
 */
export function createUpgradingApp(deps: RequestDeps, progress: () => string, sites: readonly Site[]): Hono<ApiEnv> {
	const app = new Hono<ApiEnv>();
	const reply = (context: ApiContext, answer: (progress: Progress) => Reply) => serve(context, deps, null, answer);
	const probe = (context: ApiContext, answer: () => Reply) =>
		reply(context, (progress) => {
			progress.isProbe = true;
			return answer();
		});
	const moving = () => `the stored rows are being moved to the form of this version: ${progress()}`;
	app.get("/healthz", (context) => probe(context, () => json({ status: "ok", version: deps.version })));
	app.get("/readyz", (context) =>
		probe(context, () => json({ ready: false, checks: { store: { ok: false, message: moving() } } }, 503)),
	);
	app.notFound((context) =>
		reply(context, () => {
			const shown = siteReply(context, sites);
			if (shown !== null) return shown;
			throw new FanfareError(
				"store_unavailable",
				`The server is not ready yet: ${moving()}. Nothing was changed. Try again later.`,
			);
		}),
	);
	return app;
}
