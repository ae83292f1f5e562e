// Steps that change who shares the work, and how well they reach each other and the store.
import type { ClusterAction } from "./cluster-steps.ts";
import type { Player } from "./player.ts";

/** The step's engine is the player's present one. Does nothing if there is one engine. */
export async function performOnCluster(player: Player, action: ClusterAction): Promise<void> {
	const { run, world } = player;
	if (world.sharing === null) return;
	const { cluster } = world.sharing;
	switch (action.do) {
		case "join":
			return player.join();
		case "leave":
			// The last one stays.
			if (player.runs.length > 1) await player.stop(run, action.graceMs);
			return;
		case "kill":
			return player.die(run);
		case "freeze":
			run.freeze();
			world.clock.after(action.ms, () => run.thaw());
			return;
		case "cut":
			run.cut();
			world.clock.after(action.ms, () => run.mend());
			return;
		case "blind":
			run.blind();
			world.clock.after(action.ms, () => run.see());
			return;
		case "swap":
			return cluster.swap(action.count);
		case "wire":
			cluster.wireMode = action.mode;
	}
}
