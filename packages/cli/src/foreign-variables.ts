// Variables that look like settings of the server, but are not.

/** They belong to other programs, or to other commands, in the same environment. */
export const FOREIGN_VARIABLES = [
	"FANFARE_NEW_MASTER_KEY",
	"FANFARE_NEW_MASTER_KEY_FILE",
	"FANFARE_SETTINGS_FILE",
	"FANFARE_KEY",
	"FANFARE_URL",
	"FANFARE_PROFILE",
	"FANFARE_PROJECT",
	"FANFARE_CONFIG_DIR",
	"FANFARE_TIMEOUT",
	"FANFARE_COMPLETION_TIMEOUT",
];
