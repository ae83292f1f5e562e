// A button that copies a text.
import { ActionIcon, Tooltip } from "@mantine/core";
import { useState } from "react";

import { Icon } from "../layout/icon.tsx";
import { copyText } from "./copy-text.ts";

const DONE_MS = 1_500;

interface CopyButtonProps {
	readonly text: string;
	/** What it does, such as `Copy the id`. */
	readonly label: string;
}

export function CopyButton({ text, label }: CopyButtonProps) {
	const [isDone, setDone] = useState(false);
	const copy = async () => {
		await copyText(text);
		setDone(true);
		setTimeout(() => setDone(false), DONE_MS);
	};
	return (
		<Tooltip label={isDone ? "Copied" : label}>
			<ActionIcon
				variant="subtle"
				color="gray"
				size="sm"
				aria-label={isDone ? "Copied" : label}
				onClick={() => void copy()}
			>
				<Icon name={isDone ? "check" : "copy"} size={14} />
			</ActionIcon>
		</Tooltip>
	);
}

/** An id in full, with a button to copy it. */
export function Id({ id, label }: { readonly id: string; readonly label: string }) {
	return (
		<span className="mono">
			{id} <CopyButton text={id} label={label} />
		</span>
	);
}
