// The list of all shortcuts, behind `?`.
import { Modal } from "@mantine/core";

import { FactsShape } from "../../parts/feedback/skeletons.tsx";
import { lazyPart, Part } from "../../parts/layout/part.tsx";

const shortcutList = lazyPart("shortcuts", async () => (await import("./shortcut-list.tsx")).ShortcutList);

export function ShortcutHelp({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
	return (
		<Modal opened={isOpen} onClose={onClose} title="Keyboard shortcuts" centered>
			<Part of={shortcutList} props={{}} label="the list">
				<FactsShape facts={8} />
			</Part>
		</Modal>
	);
}
