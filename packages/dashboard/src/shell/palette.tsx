// The palette behind Ctrl K: goes to a screen, a webhook or a customer, or opens anything by its id.
import { Button, Modal } from "@mantine/core";

import { FieldsShape } from "../parts/feedback/skeletons.tsx";
import { Icon } from "../parts/layout/icon.tsx";
import { lazyPart, Part } from "../parts/layout/part.tsx";

const paletteBody = lazyPart("palette", async () => (await import("./later/palette-body.tsx")).PaletteBody);

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
		<Modal opened={isOpen} onClose={onClose} title="Search" padding="xs" yOffset="12vh">
			<Part of={paletteBody} props={{ projectId, onClose }} label="the search">
				<FieldsShape fields={1} />
			</Part>
		</Modal>
	);
}
