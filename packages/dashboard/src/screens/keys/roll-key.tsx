// Gives a key a new secret key, beside which the earlier one works for a while.
import type { Key } from "@fanfare/sdk";
import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Doubt } from "../../parts/feedback/doubt.ts";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { LeaveQuestion } from "../../parts/feedback/leave-question.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { closingAt, stageOfOnce } from "../../parts/feedback/stage.ts";
import { useFocusBack } from "../../parts/feedback/use-focus-back.ts";
import { Dialog } from "../../parts/layout/dialog.tsx";
import { callerQuery, useConnection } from "../../session/caller.ts";
import { KeyOnce } from "./key-once.tsx";
import { useKeyChange } from "./queries.ts";

const HOUR = 3_600_000;
const OVERLAPS = [
	{ value: String(24 * HOUR), label: "For a day more" },
	{ value: String(HOUR), label: "For an hour more" },
	{ value: String(168 * HOUR), label: "For 7 days more" },
	{ value: "0", label: "Ends at once" },
];

export function RollKey({ apiKey, onClose }: { readonly apiKey: Key; readonly onClose: () => void }) {
	const { data: caller } = useQuery(callerQuery(useConnection()));
	const [overlap, setOverlap] = useState(String(24 * HOUR));
	const make = useWatchedCall();
	const roll = useKeyChange((client, overlapMs: number) => client.keys.roll(apiKey.id, { overlapMs }));
	const stage = stageOfOnce(roll);
	const doubt: Doubt = {
		what: `It is not known whether ${apiKey.name} was rolled`,
		advice:
			"If it was, nobody has seen the new key: roll it again. The earlier one works until the time that you chose.",
	};
	const start = () =>
		make(`${apiKey.name} was not rolled`, () => roll.mutateAsync(Number(overlap)), {
			doubt,
			unseen: ({ name }) => ({
				what: `Nobody has seen the new key of ${name}`,
				advice: "It was rolled when you had left: roll it again.",
			}),
		});
	const isDone = roll.data !== undefined;
	useFocusBack(true);
	return (
		<Dialog
			isOpen
			onClose={onClose}
			title={isDone ? `The new key of ${apiKey.name}` : `Roll ${apiKey.name}`}
			{...closingAt(stage)}
		>
			{isDone ? (
				<KeyOnce secretKey={roll.data.secretKey} onDone={onClose} />
			) : (
				<div className="stack">
					<p className="flat">
						It gets a new secret key, with the same name and access. Put the new one everywhere before the earlier one
						ends.
					</p>
					<Select
						label="The earlier one"
						data-autofocus
						allowDeselect={false}
						data={OVERLAPS}
						value={overlap}
						onChange={(value) => setOverlap(value ?? String(24 * HOUR))}
					/>
					{apiKey.id === caller?.id && (
						<p className="note warn flat">
							You are signed in with it: sign in with the new one before the earlier one ends.
						</p>
					)}
					{roll.error !== null && <Problem error={roll.error} what="The key was not rolled" doubt={doubt} />}
					<div className="bar">
						<Button loading={roll.isPending} onClick={start}>
							Roll the key
						</Button>
						<Button variant="default" disabled={roll.isPending} onClick={onClose}>
							Close
						</Button>
					</div>
				</div>
			)}
			<LeaveQuestion stage={stage} thing="key" />
		</Dialog>
	);
}
