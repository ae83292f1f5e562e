// A thousand relays in forty projects: their clients connect and drop, answer late, twice or never, while the server, or one of several, is killed.
import type { Fault } from "../../fault.ts";
import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import { chooseUnderLoad } from "../../harness/cluster/moving.ts";
import { RelayCrowd } from "../../harness/streams/relay-crowd.ts";
import type { Round } from "../../round.ts";

const PROJECTS = 40;
const RELAYS_OF_EACH = 25;
/** In a cluster, a request takes rows of its own, and some hundred milliseconds. */
const RELAYS_OF_EACH_IN_CLUSTER = 5;
const EVENTS_OF_EACH = 2;
const KILL_WITHIN_MS = 3_000;

/** The longest pause of a sender of the round: the load goes on for long, and is not what is tested. */
const PAUSE_MS = 400;

/**
 * What other rounds are allowed, and 0.1 MB a relay: 0.03 are its objects and sockets, twice if its client has another connection for its
 * answers, and the rest what clients that come and go leave to the garbage collector.
 */
const CROWD_MAX_MB = 550;

const crowds = new WeakMap<Round, RelayCrowd>();

export const relayClients: Fault = {
	name: "relay-clients",
	summary:
		"a thousand relays in 40 projects whose clients come and go, answer late, twice or never, over a SIGKILL: no delivery is lost, none is sent twice to a client that has answered",
	weight: 0.5,
	prepare(round) {
		prepare(round);
		round.maxMb = CROWD_MAX_MB;
	},
	setUp: (round) => connect(round, RELAYS_OF_EACH),
	strike: (round) =>
		play(round, async () => {
			await round.kill();
			await round.restart();
		}),
};

const inCluster = clusterFault({
	name: "relay-members",
	summary:
		"200 relays in 40 projects, the same, with each call led to another process, while one is killed: no delivery is lost, none is sent twice to a client that has answered",
	weight: 1,
	strike: (round) =>
		play(round, async () => {
			const { members } = round;
			const member = await chooseUnderLoad(round, round.random("strike"));
			await members.kill(member);
			round.recovering();
			await members.restart(member);
			await members.shared();
		}),
});

export const relayMembers: Fault = {
	...inCluster,
	prepare,
	async setUp(round) {
		await inCluster.setUp?.(round);
		await connect(round, RELAYS_OF_EACH_IN_CLUSTER);
	},
};

function prepare(round: Round): void {
	round.pauseMs = PAUSE_MS;
}

async function connect(round: Round, relaysOfEach: number): Promise<void> {
	const crowd = new RelayCrowd(round);
	crowds.set(round, crowd);
	await crowd.open(PROJECTS, relaysOfEach);
}

async function play(round: Round, kill: () => Promise<void>): Promise<void> {
	const relays = crowds.get(round);
	if (relays === undefined) throw new Error("the round has no relays");
	const calm = new AbortController();
	const dropping = relays.drop(calm.signal);
	try {
		await relays.send(EVENTS_OF_EACH);
		await round.moment(round.random("kill"), KILL_WITHIN_MS);
		await kill();
		await relays.send(EVENTS_OF_EACH);
	} finally {
		calm.abort();
		await dropping;
	}
	await relays.ended();
	await relays.stop();
}
