// The scripted cluster keeps the contracts of tenure and wire, like a real one.
import { SHARDS } from "../../core/cluster/shard.ts";
import { tenureContract } from "../../ports/contract/tenure.contract.ts";
import { wireContract } from "../../ports/contract/wire.contract.ts";
import { ScriptedCluster } from "./scripted-cluster.ts";

const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

tenureContract({
	name: "scripted",
	open: () => Promise.resolve(new ScriptedCluster().join("a", ALL_SHARDS).tenure),
});

wireContract({
	name: "scripted",
	open(members) {
		const cluster = new ScriptedCluster();
		return Promise.resolve(
			Array.from({ length: members }, (_, index) => {
				const { name, wire } = cluster.join(`m${index}`, []);
				return { wire, place: { member: name, epoch: 1 } };
			}),
		);
	},
});
