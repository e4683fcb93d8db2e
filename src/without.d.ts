/**
 * Which of the core's optimisations a build leaves out: none, but in one that is there for the tests
 * (scripts/without.mjs).
 */
declare const WITHOUT: {
    /** Validators in place of zod (fast-path/validators/). */
    readonly validators: boolean;
    /** The way of ordinary requests around the SDK (fast-path/connection-fast-path.ts). */
    readonly fastPath: boolean;
    /** A conversation before the snapshot (fast-path/warmup.ts). */
    readonly warmup: boolean;
    /** Writing over free memory before the snapshot. */
    readonly sweep: boolean;
};
