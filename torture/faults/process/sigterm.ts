// The server is stopped gracefully under load.
import type { Fault } from "../../fault.ts";

export const sigterm: Fault = {
	name: "sigterm",
	summary: "SIGTERM under load: attempts in flight end and are recorded, none is repeated",
	weight: 2,
	strike: async (round) => {
		await round.moment(round.random("sigterm"), 400);
		round.server.kill("SIGTERM");
		const exit = await round.ended("stopped");
		round.expect(exit.code === 0, `SIGTERM ended the server with ${JSON.stringify(exit)}`);
		await round.restart();
	},
};
