// Revokes a key after a question that says whether it is still used.
import type { Key } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";

import { Confirm } from "../../parts/feedback/confirm.tsx";
import { Time } from "../../parts/text/time.tsx";
import { callerQuery, useConnection } from "../../session/caller.ts";
import { useKeyChange } from "./queries.ts";

export function RevokeKey({ apiKey, onClose }: { readonly apiKey: Key; readonly onClose: () => void }) {
	const { data: caller } = useQuery(callerQuery(useConnection()));
	const revoke = useKeyChange(
		(client, id: string) => client.keys.delete(id),
		(_, __, tell) => {
			tell(`Revoked ${apiKey.name}`);
			onClose();
		},
	);
	return (
		<Confirm
			isOpen
			title="Revoke the key?"
			verb={`Revoke ${apiKey.name}`}
			isDangerous
			isBusy={revoke.isPending}
			error={revoke.error}
			failed={`${apiKey.name} was not revoked`}
			onConfirm={() => revoke.mutateAsync(apiKey.id)}
			onClose={onClose}
		>
			<div className="stack tight">
				<p className="flat">
					It stops working at once, for everybody who has it, and cannot be brought back.{" "}
					{apiKey.lastUsedDate === null ? (
						"It was never used."
					) : (
						<>
							It was last used <Time at={apiKey.lastUsedDate} form="distance" />.
						</>
					)}
				</p>
				{apiKey.id === caller?.id && <p className="note warn">You are signed in with it: you will be signed out.</p>}
			</div>
		</Confirm>
	);
}
