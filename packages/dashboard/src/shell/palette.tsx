// The palette behind Ctrl K: goes to a screen, a webhook or a customer, or opens anything by its id.
import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState, type KeyboardEvent } from "react";

import { Dialog } from "../parts/layout/dialog.tsx";
import { Icon } from "../parts/layout/icon.tsx";
import { useTargets, type Target } from "./palette-targets.ts";

const SHOWN = 9;

export function PaletteButton({ onOpen }: { readonly onOpen: () => void }) {
	return (
		<Button
			className="palette-button"
			variant="default"
			size="compact-sm"
			onClick={onOpen}
			leftSection={<Icon name="search" size={14} />}
			rightSection={<kbd className="only-wide">Ctrl K</kbd>}
		>
			<span className="unseen-phone">Search</span>
		</Button>
	);
}

interface PaletteProps {
	readonly projectId: string;
	readonly isOpen: boolean;
	readonly onClose: () => void;
}

export function Palette({ projectId, isOpen, onClose }: PaletteProps) {
	return (
		<Dialog isTight isOpen={isOpen} onClose={onClose} title="Search" top="12vh">
			<PaletteBody projectId={projectId} onClose={onClose} />
		</Dialog>
	);
}

function PaletteBody({ projectId, onClose }: Omit<PaletteProps, "isOpen">) {
	const [text, setText] = useState("");
	/** The key of the one that the arrows or the pointer have gone to: others may come before it meanwhile. Null for the first one. */
	const [chosenKey, setChosenKey] = useState<string | null>(null);
	const navigate = useNavigate();
	const targets = useTargets(projectId, text.trim()).slice(0, SHOWN);
	const found = targets.findIndex(({ key }) => key === chosenKey);
	const chosen = chosenKey === null ? 0 : found;
	const choose = (index: number) => setChosenKey(targets[index]?.key ?? null);
	const go = (target: Target | undefined) => {
		if (target === undefined) return;
		onClose();
		void navigate(target.link);
	};
	const onKeyDown = (event: KeyboardEvent) => {
		// Then the keys are for what is composed.
		if (event.nativeEvent.isComposing) return;
		if (event.key === "Enter") go(targets[chosen]);
		else if (event.key === "ArrowDown") choose(Math.min(chosen + 1, targets.length - 1));
		else if (event.key === "ArrowUp") choose(Math.max(chosen - 1, 0));
		else return;
		event.preventDefault();
	};
	return (
		<div>
			<TextInput
				data-autofocus
				variant="unstyled"
				px="xs"
				aria-label="Search screens and webhooks, or paste an id"
				placeholder="Search, or paste any id"
				role="combobox"
				aria-expanded
				aria-controls="palette-list"
				aria-activedescendant={targets[chosen] === undefined ? undefined : `palette-${chosen}`}
				value={text}
				onChange={({ currentTarget }) => {
					setText(currentTarget.value);
					setChosenKey(null);
				}}
				onKeyDown={onKeyDown}
			/>
			<div id="palette-list" role="listbox" aria-label="Results" className="palette">
				{targets.map((target, index) => (
					<div
						key={target.key}
						id={`palette-${index}`}
						role="option"
						tabIndex={-1}
						aria-selected={index === chosen}
						className="palette-item"
						onPointerMove={() => choose(index)}
						onClick={() => go(target)}
						onKeyDown={onKeyDown}
					>
						<Icon name={target.icon} size={16} />
						<span className="cut">{target.title}</span>
						<span className="cut dim">{target.detail}</span>
					</div>
				))}
			</div>
			{targets.length === 0 && (
				<p className="dim palette-none">
					Nothing matches. The id of a delivery, an event, a webhook, a relay, a replay, a customer or a key opens it.
				</p>
			)}
		</div>
	);
}
