// Gives a key another name.
import type { Key } from "@fanfare/sdk";
import { TextInput } from "@mantine/core";
import { useState } from "react";

import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useKeyChange } from "./queries.ts";

export function RenameKey({ apiKey, onClose }: { readonly apiKey: Key; readonly onClose: () => void }) {
	const [name, setName] = useState(apiKey.name);
	const rename = useKeyChange(
		(client, name: string) => client.keys.update(apiKey.id, { name }),
		(key, _, tell) => {
			tell(`Renamed to ${key.name}`);
			onClose();
		},
	);
	return (
		<Confirm
			isOpen
			title="Rename the key"
			verb="Rename"
			isBusy={rename.isPending}
			isBlocked={name.trim() === "" || name.trim() === apiKey.name}
			error={rename.error}
			failed={`${apiKey.name} was not renamed`}
			hasFields
			onConfirm={() => rename.mutateAsync(name.trim())}
			onClose={onClose}
		>
			<TextInput
				label="Name"
				data-autofocus
				maxLength={128}
				autoComplete="off"
				value={name}
				onChange={({ currentTarget }) => setName(currentTarget.value)}
			/>
		</Confirm>
	);
}
