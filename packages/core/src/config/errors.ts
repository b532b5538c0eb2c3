/**
 * Base of every error that a configuration can cause. `code` is stable; the message says where, what was
 * expected, what was found and what to do.
 */
export class ConfigError extends Error {
  /** Stable identifier, for example `NEMO_CONFIG_SYNTAX`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A file or string is not the YAML that OmegaConf accepts. Names the file, line and column. */
export class ConfigSyntaxError extends ConfigError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CONFIG_SYNTAX', message, options)
  }
}

/** A config file or a config group option does not exist, or its defaults list cannot be composed. */
export class ConfigCompositionError extends ConfigError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CONFIG_COMPOSITION', message, options)
  }
}

/** A key was read, changed or deleted that the config does not have. */
export class ConfigKeyError extends ConfigError {
  /** Full dotted path of the key. */
  readonly keyPath: string

  constructor(keyPath: string, message: string) {
    super('NEMO_CONFIG_KEY', message)
    this.keyPath = keyPath
  }
}

/** A mandatory value, written `???`, was read before anybody gave it. */
export class MissingValueError extends ConfigError {
  /** Full dotted path of the key whose value is missing. */
  readonly keyPath: string

  constructor(keyPath: string, message: string) {
    super('NEMO_CONFIG_MISSING', message)
    this.keyPath = keyPath
  }
}

/** An interpolation `${...}` is malformed, points nowhere, runs in a circle, or its resolver failed. */
export class InterpolationError extends ConfigError {
  /** Full dotted path of the value that holds the interpolation; empty when it stands alone. */
  readonly keyPath: string

  constructor(keyPath: string, message: string, options?: ErrorOptions) {
    super('NEMO_CONFIG_INTERPOLATION', message, options)
    this.keyPath = keyPath
  }
}

/** A command-line override does not follow Hydra's grammar or cannot be applied. */
export class OverrideError extends ConfigError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CONFIG_OVERRIDE', message, options)
  }
}

/** A command-line flag is unknown, lacks its value, or its value has the wrong type. */
export class CommandLineError extends ConfigError {
  constructor(message: string) {
    super('NEMO_COMMAND_LINE', message)
  }
}

/** One thing that is wrong with a config, found by {@link validateConfig}. */
export interface ConfigProblem {
  /** Full dotted path of the key. Empty for the config as a whole. */
  readonly keyPath: string
  /** What is wrong, in one line, without the key path. */
  readonly message: string
}

/** A config does not fit its schema. The message has one line per problem. */
export class ConfigValidationError extends ConfigError {
  readonly problems: readonly ConfigProblem[]
  /** Where the config came from, if known. */
  readonly source: string | undefined

  constructor(problems: readonly ConfigProblem[], source?: string) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    const lines = problems.map(({ keyPath, message }) => `  ${keyPath === '' ? '' : `${keyPath}: `}${message}`)
    super('NEMO_CONFIG_INVALID', `${count} in ${source ?? 'the config'}\n${lines.join('\n')}`)
    this.problems = problems
    this.source = source
  }
}

/** A `_target_` names a class that is not registered, or is no string. */
export class UnknownTargetError extends ConfigError {
  /** The `_target_` as written. */
  readonly target: string
  /** Full dotted path of the node that holds it. */
  readonly keyPath: string

  constructor(target: string, keyPath: string, message: string) {
    super('NEMO_CONFIG_TARGET', message)
    this.target = target
    this.keyPath = keyPath
  }
}

/** A factory threw while a config node was made into an object. Carries the cause. */
export class InstantiationError extends ConfigError {
  /** Full dotted path of the node. */
  readonly keyPath: string

  constructor(keyPath: string, target: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super('NEMO_CONFIG_INSTANTIATE', `${keyPath === '' ? '' : `${keyPath}: `}cannot make ${target}: ${reason}`, {
      cause,
    })
    this.keyPath = keyPath
  }
}
