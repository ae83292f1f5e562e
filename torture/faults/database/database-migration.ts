// Processes are killed while they bring the schema of the database to the present form: one, or several that start at once.
import { between, type Random } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import type { Member } from "../../harness/cluster/member.ts";
import {
	columnsOf,
	holdMigrations,
	letMigrationsGoOn,
	migrating,
	migrationCount,
	undoMigrations,
} from "../../harness/stores/older-schema.ts";
import type { Round } from "../../round.ts";

const KILLS = 2;
/** The longest time from the moment when a process is seen to wait in a migration to the kill. It waits for a second. */
const KILL_AFTER_MS = 600;

export const databaseMigration: Fault = {
	name: "database-migration",
	summary: "SIGKILL while the database's schema is brought to the present form, in the middle of a transaction",
	weight: 1,
	profiles: ["postgres"],
	async strike(round) {
		const random = round.random("migration");
		await round.moment(random, 300);
		await round.kill();
		await migrated(round, random, async () => {
			const ports = new Set<number>();
			for (let n = 0; n < KILLS; n++) {
				await round.begin();
				ports.add(await migrating(round.database, ports));
				await round.moment(random, KILL_AFTER_MS);
				await round.kill();
			}
			await letMigrationsGoOn(round.database);
			await round.restart();
		});
	},
};

export const clusterMigration = clusterFault({
	name: "cluster-database-migration",
	summary: "all processes are killed, start at once on an older schema, and two are killed while they migrate it",
	weight: 1,
	async strike(round) {
		const random = round.random("migration");
		const { members } = round;
		await round.moment(random, 300);
		await members.kill(...members.all);
		await migrated(round, random, async () => {
			const starting = new Set(members.all);
			await Promise.all(members.all.map(({ server }) => server.begin()));
			const ports = new Set<number>();
			for (let n = 0; n < KILLS; n++) {
				const port = await migrating(round.database, ports);
				await round.moment(random, KILL_AFTER_MS);
				starting.delete(await kill(round, port));
				ports.add(port);
			}
			await letMigrationsGoOn(round.database);
			round.recovering();
			await Promise.all([...starting].map((member) => members.started(member)));
			for (const member of members.all) if (!member.isServing) await members.restart(member);
			await members.shared();
		});
	},
});

/** Does something with an older schema whose migrations are held up, and expects that the schema is the present one afterwards. */
async function migrated(round: Round, random: Random, work: () => Promise<void>): Promise<void> {
	const { database } = round;
	const before = await columnsOf(database);
	await undoMigrations(database, Math.floor(between(random, 1, migrationCount())));
	round.expect((await columnsOf(database)) !== before, "the schema was not taken back to an older one");
	await holdMigrations(database);
	await work();
	round.expect((await columnsOf(database)) === before, "the schema is not the present one after the migrations");
	const rows = await database.query("SELECT id FROM migrations ORDER BY id");
	const ids = rows.map(({ id }) => Number(id));
	const expected = Array.from({ length: migrationCount() }, (_, n) => n + 1);
	round.expect(ids.join() === expected.join(), `the migrations ${ids.join()} are recorded, not ${expected.join()}`);
}

/** Kills the process that has connected to the database from a port. */
async function kill(round: Round, port: number): Promise<Member> {
	const member = round.members.all.find(({ link }) => link.ports.has(port));
	if (member === undefined) throw new Error(`no process has connected to the database from port ${port}`);
	member.server.kill("SIGKILL");
	await member.server.exited;
	round.output += member.server.stdout + member.server.stderr;
	return member;
}
