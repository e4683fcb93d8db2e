/**
 * Which of the core's optimisations a build leaves out. Only builds for the tests leave any out
 * (scripts/without.mjs).
 */
declare const WITHOUT: {
    /** Validators in place of zod (fast-path/validators/). */
    readonly validators: boolean;
    /** Ordinary requests go around the SDK (fast-path/connection-fast-path.ts). */
    readonly fastPath: boolean;
    /** A conversation before the snapshot (fast-path/warmup.ts). */
    readonly warmup: boolean;
    /** Writing over free memory before the snapshot. */
    readonly sweep: boolean;
};
