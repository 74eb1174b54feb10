/// How a command ends, as in sysexits(3) and diff(1).
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case done = 0
    /// Only the honest no: it differs, it fails verification, a gate is not met.
    case no = 1
    case usage = 64
    /// The input is malformed or does not fit the base.
    case malformed = 65
    case inputMissing = 66
    /// A fault of ours.
    case `internal` = 70
    case cannotCreate = 73
    case inputOutput = 74
    case busy = 75
    case permission = 77
    case interrupted = 130
    case terminated = 143
}

extension Failure {
    /// A stable word for a kind of failure. Each belongs to exactly one exit status; `Spec/errors.md` lists them all.
    package struct Code: Hashable, Sendable {
        package let word: String
        package let status: ExitStatus

        init(_ word: String, _ status: ExitStatus) {
            self.word = word
            self.status = status
        }

        package static func == (a: Code, b: Code) -> Bool { a.word == b.word }
        package func hash(into hasher: inout Hasher) { hasher.combine(word) }
    }
}

extension Failure.Code {
    // MARK: The file as a whole
    package static let truncated = Self("truncated", .malformed)
    package static let notThisFormat = Self("not-this-format", .malformed)
    package static let textModeDamage = Self("text-mode-damage", .malformed)
    package static let badVersion = Self("bad-version", .malformed)
    package static let unsupportedFeature = Self("unsupported-feature", .malformed)
    package static let unsupportedExtension = Self("unsupported-ext", .malformed)
    package static let reservedNonzero = Self("reserved-nonzero", .malformed)
    package static let headerCorrupt = Self("header-corrupt", .malformed)
    package static let trailerCorrupt = Self("trailer-corrupt", .malformed)
    package static let headerTrailerMismatch = Self("header-trailer-mismatch", .malformed)
    package static let trailingData = Self("trailing-data", .malformed)
    package static let sizeMismatch = Self("size-mismatch", .malformed)

    // MARK: The index
    package static let indexRange = Self("index-range", .malformed)
    package static let indexMisplaced = Self("index-misplaced", .malformed)
    package static let indexTooLarge = Self("index-too-large", .malformed)
    package static let indexCorrupt = Self("index-corrupt", .malformed)
    package static let indexInconsistent = Self("index-inconsistent", .malformed)
    package static let limit = Self("limit", .malformed)
    package static let notCanonical = Self("not-canonical", .malformed)
    package static let duplicate = Self("duplicate", .malformed)
    package static let badStringReference = Self("bad-string-ref", .malformed)
    package static let badName = Self("bad-name", .malformed)
    package static let badRank = Self("bad-rank", .malformed)
    package static let zeroDimension = Self("zero-dim", .malformed)
    package static let shapeOverflow = Self("shape-overflow", .malformed)
    package static let totalOverflow = Self("total-overflow", .malformed)
    package static let dimensionTooLarge = Self("dim-too-large", .malformed)
    package static let unknownEnum = Self("unknown-enum", .malformed)
    package static let misaligned = Self("misaligned", .malformed)
    package static let badBlock = Self("bad-block", .malformed)
    package static let badFilter = Self("bad-filter", .malformed)
    package static let chunkCount = Self("chunk-count", .malformed)
    package static let chunkInconsistent = Self("chunk-inconsistent", .malformed)
    package static let tooLarge = Self("too-large", .malformed)
    package static let suspiciousRatio = Self("suspicious-ratio", .malformed)
    package static let badParameter = Self("bad-param", .malformed)
    package static let kindShape = Self("kind-shape", .malformed)

    // MARK: The data
    package static let chunkCorrupt = Self("chunk-corrupt", .malformed)
    package static let decodeMismatch = Self("decode-mismatch", .malformed)
    package static let digestMismatch = Self("digest-mismatch", .malformed)
    package static let paddingNonzero = Self("padding-nonzero", .malformed)
    package static let badFrame = Self("bad-frame", .malformed)
    package static let sparseIndex = Self("sparse-index", .malformed)
    package static let maskCount = Self("mask-count", .malformed)
    package static let quantizationParameter = Self("quant-param", .malformed)

    // MARK: Other formats
    package static let baseInvalid = Self("base-invalid", .malformed)
    package static let jsonSyntax = Self("json-syntax", .malformed)
    package static let jsonDuplicate = Self("json-duplicate", .malformed)
    package static let jsonNumber = Self("json-number", .malformed)
    package static let jsonLimit = Self("json-limit", .malformed)
    package static let pickleRefused = Self("pickle-refused", .malformed)
    package static let badArchive = Self("bad-archive", .malformed)
    package static let notAnAdapter = Self("not-an-adapter", .malformed)
    package static let configInvalid = Self("config-invalid", .malformed)
    package static let configConflict = Self("config-conflict", .malformed)
    package static let weightsMissing = Self("weights-missing", .malformed)
    package static let configMissing = Self("config-missing", .malformed)
    package static let unknownKey = Self("unknown-key", .malformed)
    package static let notExportable = Self("not-exportable", .malformed)
    package static let notMergeable = Self("not-mergeable", .malformed)
    package static let baseMismatch = Self("base-mismatch", .malformed)
    package static let baseIncompatible = Self("base-incompatible", .malformed)
    package static let baseAmbiguous = Self("base-ambiguous", .malformed)
    package static let basePath = Self("base-path", .malformed)
    package static let modelsIncompatible = Self("models-incompatible", .malformed)
    package static let recipeInvalid = Self("recipe-invalid", .malformed)
    package static let badReport = Self("bad-report", .malformed)
    package static let baseMissingShard = Self("base-missing-shard", .inputMissing)
    package static let notACheckpoint = Self("not-a-checkpoint", .malformed)
    package static let unknownArchitecture = Self("unknown-architecture", .malformed)
    package static let notTrainable = Self("not-trainable", .malformed)
    package static let notTrained = Self("not-trained", .malformed)
    package static let resumeMismatch = Self("resume-mismatch", .malformed)
    package static let notFinite = Self("not-finite", .malformed)
    package static let gateNotMet = Self("gate-not-met", .no)
    package static let tokenizerInvalid = Self("tokenizer-invalid", .malformed)
    package static let tokenizerUnsupported = Self("tokenizer-unsupported", .malformed)
    package static let templateInvalid = Self("template-invalid", .malformed)
    package static let templateUnsupported = Self("template-unsupported", .malformed)
    package static let templateRefused = Self("template-refused", .malformed)
    package static let badDataLine = Self("bad-data-line", .malformed)
    package static let dataEmpty = Self("data-empty", .malformed)

    // MARK: The store
    package static let notAStore = Self("not-a-store", .inputMissing)
    package static let storeTooNew = Self("store-too-new", .malformed)
    package static let nestedStore = Self("nested-store", .cannotCreate)
    package static let catalogCorrupt = Self("catalog-corrupt", .malformed)
    package static let catalogTooNew = Self("catalog-too-new", .malformed)
    package static let objectDamaged = Self("object-damaged", .malformed)
    package static let ambiguous = Self("ambiguous", .malformed)
    package static let hasDependents = Self("has-dependents", .malformed)
    package static let importRejected = Self("import-rejected", .malformed)

    // MARK: The world around
    package static let usage = Self("usage", .usage)
    package static let notFound = Self("not-found", .inputMissing)
    package static let notRegular = Self("not-regular", .inputMissing)
    package static let outputExists = Self("output-exists", .cannotCreate)
    package static let cannotCreate = Self("cannot-create", .cannotCreate)
    package static let inputOutput = Self("io-error", .inputOutput)
    package static let noSpace = Self("no-space", .inputOutput)
    package static let changedDuringRead = Self("changed-during-read", .inputOutput)
    package static let outOfMemory = Self("oom", .inputOutput)
    package static let busy = Self("busy", .busy)
    package static let permission = Self("permission", .permission)
    package static let interrupted = Self("interrupted", .interrupted)
    package static let terminated = Self("terminated", .terminated)
    /// Whoever read our output has had enough; not an error to speak of.
    package static let closedPipe = Self("closed-pipe", .done)
    package static let verificationFailed = Self("verification-failed", .no)
    package static let `internal` = Self("internal", .internal)

    /// Every code, for the test that compares them with `Spec/errors.md`.
    package static let all: [Failure.Code] = [
        truncated, notThisFormat, textModeDamage, badVersion, unsupportedFeature, unsupportedExtension, reservedNonzero,
        headerCorrupt, trailerCorrupt, headerTrailerMismatch, trailingData, sizeMismatch, indexRange, indexMisplaced,
        indexTooLarge, indexCorrupt, indexInconsistent, limit, notCanonical, duplicate, badStringReference, badName,
        badRank, zeroDimension, shapeOverflow, totalOverflow, dimensionTooLarge, unknownEnum, misaligned, badBlock,
        badFilter, chunkCount, chunkInconsistent, tooLarge, suspiciousRatio, badParameter, kindShape, chunkCorrupt,
        decodeMismatch, digestMismatch, paddingNonzero, badFrame, sparseIndex, maskCount, quantizationParameter,
        baseInvalid, jsonSyntax, jsonDuplicate, jsonNumber, jsonLimit, pickleRefused, badArchive, notAnAdapter,
        configInvalid, configConflict, weightsMissing, configMissing, unknownKey, notExportable, notMergeable,
        baseMismatch, baseIncompatible, baseAmbiguous, basePath, modelsIncompatible, recipeInvalid, badReport,
        baseMissingShard,
        notACheckpoint, unknownArchitecture, notTrainable, notTrained, resumeMismatch, notFinite, gateNotMet,
        tokenizerInvalid, tokenizerUnsupported, templateInvalid, templateUnsupported,
        templateRefused, badDataLine, dataEmpty, notAStore, storeTooNew, nestedStore,
        catalogCorrupt, catalogTooNew, objectDamaged, ambiguous, hasDependents, importRejected, usage, notFound,
        notRegular, outputExists, cannotCreate, inputOutput, noSpace, changedDuringRead, outOfMemory, busy, permission,
        interrupted,
        terminated, closedPipe, verificationFailed,
        `internal`,
    ]
}
