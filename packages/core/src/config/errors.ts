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

  /** The same error as seen from a config that has this one's at `keyPath`. Errors without a key path stay as they are. */
  under(_keyPath: string): ConfigError {
    return this
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

  /** @param message - Default: says so, and how to give the value. */
  constructor(keyPath: string, message?: string) {
    const remedy = `set it in the config or give ${keyPath}=VALUE on the command line`
    super('NEMO_CONFIG_MISSING', message ?? `${keyPath} is mandatory and has no value (???); ${remedy}`)
    this.keyPath = keyPath
  }

  override under(keyPath: string): MissingValueError {
    return new MissingValueError(joinKeyPaths(keyPath, this.keyPath))
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
  /** Full dotted path of the key that was likely meant. */
  readonly meant?: string
  /** The key is mandatory and nobody gave it. */
  readonly missing?: true
}

/** A config does not fit its schema. The message has one line per problem. */
export class ConfigValidationError extends ConfigError {
  readonly problems: readonly ConfigProblem[]
  /** Where the config came from, if known. */
  readonly source: string | undefined

  constructor(problems: readonly ConfigProblem[], source?: string) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    const lines = problems.map(({ keyPath, message, meant, missing }) => {
      const hint = meant !== undefined ? `; did you mean ${meant}?` : missing ? `; give it as ${keyPath}=VALUE` : ''
      return `  ${keyPath === '' ? '' : `${keyPath}: `}${message}${hint}`
    })
    super('NEMO_CONFIG_INVALID', `${count} in ${source ?? 'the config'}\n${lines.join('\n')}`)
    this.problems = problems
    this.source = source
  }

  override under(prefix: string): ConfigValidationError {
    const problems = this.problems.map(({ meant, ...problem }) => ({
      ...problem,
      keyPath: joinKeyPaths(prefix, problem.keyPath),
      ...(meant !== undefined && { meant: joinKeyPaths(prefix, meant) }),
    }))
    return new ConfigValidationError(problems, this.source)
  }
}

/** A `_target_` names a class that is not registered, or is no string. */
export class UnknownTargetError extends ConfigError {
  /** The `_target_` as written. */
  readonly target: string
  /** Full dotted path of the `_target_` key. */
  readonly keyPath: string
  private readonly reason: string

  /** @param reason - What is wrong with it, without the key path. */
  constructor(target: string, keyPath: string, reason: string) {
    super('NEMO_CONFIG_TARGET', `${keyPath}: ${reason}`)
    this.target = target
    this.keyPath = keyPath
    this.reason = reason
  }

  override under(keyPath: string): UnknownTargetError {
    return new UnknownTargetError(this.target, joinKeyPaths(keyPath, this.keyPath), this.reason)
  }
}

/** A factory threw while a config node was made into an object. Carries the cause. */
export class InstantiationError extends ConfigError {
  /** Full dotted path of the node. */
  readonly keyPath: string
  /** The node's `_target_`. */
  readonly target: string

  constructor(keyPath: string, target: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super('NEMO_CONFIG_INSTANTIATE', `${keyPath === '' ? '' : `${keyPath}: `}cannot make ${target}: ${reason}`, {
      cause,
    })
    this.keyPath = keyPath
    this.target = target
  }

  override under(keyPath: string): InstantiationError {
    return new InstantiationError(joinKeyPaths(keyPath, this.keyPath), this.target, this.cause)
  }
}

/**
 * Runs what reads a part of a config, and makes the key paths of its errors those of the whole config.
 *
 * @param keyPath - Where the part stands.
 */
export function atKeyPath<T>(keyPath: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof ConfigError && keyPath !== '' ? error.under(keyPath) : error
  }
}

function joinKeyPaths(first: string, second: string): string {
  return second === '' || first === '' || second.startsWith('[') ? first + second : `${first}.${second}`
}
