// swift-tools-version: 6.2
import PackageDescription

let isFuzzing = Context.environment["TENON_FUZZ"] != nil

/// Warnings are errors where CI is set; elsewhere a newer compiler's warning must not stop a user's build. Under the
/// fuzzer's instrumentation the compiler calls imports unused that only typed throws need, so there they are warnings.
let strict: [SwiftSetting] = Context.environment["CI"] == nil || isFuzzing ? [] : [.treatAllWarnings(as: .error)]

let settings: [SwiftSetting] =
    strict + [
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableExperimentalFeature("Lifetimes"),
    ]

/// A module of the house: `path` is its floor and room below `Sources`.
func module(_ path: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: String(path.split(separator: "/").last ?? ""), dependencies: dependencies,
        path: "Sources/\(path)", swiftSettings: settings)
}

func tests(_ module: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(module)Tests", dependencies: [.byName(name: module), "Support"] + dependencies,
        path: "Tests/\(module)Tests", swiftSettings: settings)
}

let package = Package(
    name: "tenon",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "tenon", targets: ["TenonCLI"]),
        .library(name: "TenonKernels", targets: ["Kernels"]),
    ],
    traits: [
        .default(enabledTraits: ["FaultInjection"]),
        .trait(
            name: "FaultInjection",
            description: "Lets TENON_FAULT make a system call fail, fall short or kill; off in a release."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CZstd", path: "Sources/Shims/CZstd", pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(
            name: "CXXHash", path: "Sources/Shims/CXXHash", pkgConfig: "libxxhash",
            providers: [.apt(["libxxhash-dev"]), .brew(["xxhash"])]),
        .systemLibrary(
            name: "CSQLite", path: "Sources/Shims/CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .target(
            name: "CSystem", path: "Sources/Shims/CSystem", cSettings: [.define("_GNU_SOURCE")]),
        .target(
            name: "CKernels", path: "Sources/Shims/CKernels",
            linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),

        module("Base/Diagnostics", ["CSystem"]),
        module("Base/Parallelism", ["CSystem", "Diagnostics"]),
        module("Base/JSON", ["Diagnostics"]),
        module("Base/Files", ["CSystem", "Diagnostics"]),
        module("Base/Tensors", ["CKernels", "Diagnostics"]),
        module("Base/Digests", ["CKernels", "CXXHash", "Diagnostics", "Tensors"]),

        module("Maths/LinearAlgebra", ["CKernels", "Diagnostics", "Parallelism", "Tensors"]),
        module("Maths/Quantization", ["CKernels", "Diagnostics", "Tensors"]),

        module("Formats/Checkpoints", ["Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors"]),
        module("Formats/Architectures", ["Diagnostics", "JSON", "Files", "Tensors", "Checkpoints"]),
        module("Formats/Adapters", ["Diagnostics", "JSON", "Digests", "Tensors", "Architectures"]),
        module(
            "Formats/DeltaFormat",
            [
                "CZstd", "CXXHash", "CKernels", "Diagnostics", "Parallelism", "Files", "Digests", "Tensors",
                "Adapters",
            ]),
        module(
            "Formats/Interchange",
            [
                "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors", "Quantization",
                "Checkpoints", "Adapters",
            ]),
        module(
            "Formats/Packaging",
            [
                "CKernels", "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors", "Quantization",
                "Checkpoints", "Architectures", "Adapters", "DeltaFormat", "Interchange",
            ]),
        module(
            "Algebra/DeltaAlgebra",
            [
                "CKernels", "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors", "LinearAlgebra",
                "Checkpoints", "Adapters", "DeltaFormat", "Packaging",
            ]),
        module(
            "Algebra/Recipes",
            [
                "Diagnostics", "Parallelism", "JSON", "Files", "Tensors", "Checkpoints", "Adapters", "Packaging",
                "DeltaAlgebra", .product(name: "Yams", package: "Yams"),
            ]),
        module("Learning/Kernels", ["CKernels", "Parallelism"]),
        module("Learning/Layers", ["Diagnostics", "Kernels"]),
        module(
            "Learning/Insertions",
            ["Diagnostics", "Parallelism", "Tensors", "LinearAlgebra", "Adapters", "Kernels", "Layers"]),
        module(
            "Learning/Networks",
            [
                "Diagnostics", "Files", "JSON", "Tensors", "LinearAlgebra", "Checkpoints", "Architectures", "Kernels",
                "Layers",
            ]),
        module("Learning/Tokenization", ["Diagnostics", "JSON", "Files"]),
        module("Learning/ChatTemplates", ["Diagnostics", "JSON"]),
        module(
            "Learning/Training",
            [
                "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors", "LinearAlgebra", "Checkpoints",
                "Architectures", "Adapters", "DeltaFormat", "Interchange", "Packaging", "DeltaAlgebra", "Kernels",
                "Layers", "Insertions", "Networks", "Tokenization", "ChatTemplates",
            ]),
        module(
            "Learning/Generation",
            [
                "Diagnostics", "Parallelism", "JSON", "Files", "LinearAlgebra", "Checkpoints", "Architectures",
                "Adapters", "Kernels", "Layers", "Insertions", "Networks", "Tokenization", "Training",
            ]),
        module(
            "Keeping/AdapterStore",
            [
                "CSQLite", "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Checkpoints", "Adapters",
                "DeltaFormat",
                "Interchange", "Packaging", "DeltaAlgebra",
            ]),
        module("Keeping/Documents", ["Diagnostics"]),
        module(
            "Keeping/Reports",
            [
                "Diagnostics", "Parallelism", "JSON", "Files", "Tensors", "Digests", "Checkpoints", "Adapters",
                "DeltaFormat", "Interchange", "Packaging", "Documents",
            ]),
        .executableTarget(
            name: "TenonCLI",
            dependencies: [
                "CZstd", "CKernels", "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors",
                "Quantization", "Checkpoints", "Adapters", "DeltaFormat", "Interchange", "Packaging", "DeltaAlgebra",
                "Recipes", "Architectures", "Kernels", "Insertions", "Training", "Generation", "AdapterStore",
                "Documents", "Reports",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/TenonCLI", swiftSettings: settings),

        .executableTarget(
            name: "FitLine", dependencies: ["Kernels"], path: "Examples/FitLine", swiftSettings: settings),
        .executableTarget(
            name: "Tokenize", dependencies: ["Diagnostics", "JSON", "Files", "Tokenization"], path: "Examples/Tokenize",
            swiftSettings: settings),

        .target(
            name: "Support", dependencies: ["Diagnostics", "Files", "JSON"], path: "Tests/Support",
            swiftSettings: settings),
        .testTarget(
            name: "KernelsTests", dependencies: ["CKernels", "Support"], path: "Tests/KernelsTests",
            swiftSettings: settings),
        .testTarget(
            name: "LearningKernelsTests", dependencies: ["CKernels", "Files", "Kernels", "Support"],
            path: "Tests/LearningKernelsTests", swiftSettings: settings),
        tests("Diagnostics"),
        tests("Parallelism", ["Diagnostics"]),
        tests("JSON", ["Diagnostics"]),
        tests("Files", ["Diagnostics"]),
        tests("Digests", ["CKernels", "Tensors"]),
        tests("Tensors", ["CKernels"]),
        tests("LinearAlgebra", ["CKernels", "Diagnostics", "Parallelism"]),
        tests("Quantization", ["Diagnostics", "Tensors"]),
        tests("Checkpoints", ["Diagnostics", "Parallelism", "Files", "Digests", "Tensors", "JSON"]),
        tests("Architectures", ["Diagnostics", "Files", "JSON"]),
        tests("Adapters", ["Diagnostics", "Digests", "Files", "Tensors"]),
        tests(
            "DeltaFormat",
            ["CKernels", "Diagnostics", "Files", "JSON", "Tensors", "Adapters", "Digests", "Parallelism"]),
        tests("Interchange", ["Diagnostics", "Parallelism", "Files", "Tensors", "Adapters", "JSON", "Checkpoints"]),
        tests(
            "Packaging",
            ["Diagnostics", "Files", "Tensors", "Architectures", "Adapters", "DeltaFormat", "Interchange", "JSON"]),
        tests(
            "DeltaAlgebra",
            [
                "CKernels", "Diagnostics", "Files", "JSON", "Digests", "Tensors", "Checkpoints", "Adapters",
                "DeltaFormat", "Interchange", "Parallelism", "LinearAlgebra",
            ]),
        tests(
            "Recipes",
            [
                "Diagnostics", "Parallelism", "JSON", "Files", "Tensors", "Checkpoints", "DeltaAlgebra",
            ]),
        tests("Tokenization", ["Diagnostics", "JSON", "Files"]),
        tests("ChatTemplates", ["Diagnostics", "JSON", "Files"]),
        tests(
            "Training",
            [
                "Diagnostics", "Parallelism", "Digests", "JSON", "Files", "Tensors", "Checkpoints", "Architectures",
                "Adapters", "DeltaFormat", "Interchange", "Kernels", "Layers", "Insertions", "Networks",
                "Tokenization", "ChatTemplates",
            ]),
        tests(
            "Generation",
            [
                "Diagnostics", "Parallelism", "JSON", "Files", "Tensors", "Checkpoints", "Architectures", "Adapters",
                "Interchange", "Kernels", "Layers", "Insertions", "Networks", "Tokenization", "Training",
            ]),
        tests(
            "AdapterStore", ["Diagnostics", "Parallelism", "Files", "Digests", "DeltaFormat", "Packaging"]),
        tests("Documents"),
        tests(
            "Reports",
            [
                "Diagnostics", "Parallelism", "Files", "JSON", "Tensors", "Digests", "Checkpoints", "Adapters",
                "DeltaFormat", "Interchange", "Packaging", "Quantization", "Documents",
            ]),
        .testTarget(
            name: "EndToEnd",
            dependencies: [
                "Support", "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors", "Adapters",
                "DeltaFormat", "Interchange", "AdapterStore", "TenonCLI",
            ],
            path: "Tests/EndToEnd", exclude: ["Snapshots"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzz targets are built by `Scripts/fuzz` alone, which names them, with a sanitizer's `main` in place of their own.
if isFuzzing {
    let rooms: [Target.Dependency] = [
        "CFuzzer", "CZstd", "Diagnostics", "Parallelism", "JSON", "Files", "Digests", "Tensors", "Checkpoints",
        "Adapters", "DeltaFormat", "Interchange", "Packaging", "Recipes", "Layers", "Tokenization", "ChatTemplates",
        "Training", "AdapterStore",
    ]
    package.targets.append(.systemLibrary(name: "CFuzzer", path: "Fuzz/CFuzzer"))
    package.targets.append(
        .target(name: "FuzzSupport", dependencies: rooms, path: "Fuzz/Support", swiftSettings: settings))
    let targets = [
        "Open", "ReadAll", "Index", "Safetensors", "JSON", "Pickle", "Config", "Recipe", "Tokenizer", "Templates",
        "Lines", "Labeled", "Prompts", "Layout", "Seeds",
    ]
    for name in targets {
        package.targets.append(
            .executableTarget(
                name: "Fuzz\(name)", dependencies: rooms + ["FuzzSupport"], path: "Fuzz/\(name)",
                swiftSettings: settings))
    }
}

// Only these targets of tests or of the fuzzer, with what they need: a build under a sanitizer takes as long as it has targets.
if let names = Context.environment["TENON_TESTS"] ?? Context.environment["TENON_FUZZ"] {
    let dependencies = Dictionary(uniqueKeysWithValues: package.targets.map { ($0.name, $0.dependencies) })
    var needed: Set<String> = []
    var open = names.split(separator: ",").map(String.init)
    while let name = open.popLast() {
        guard needed.insert(name).inserted else { continue }
        for case .byNameItem(let name, _) in dependencies[name] ?? [] { open.append(name) }
    }
    package.targets.removeAll { !needed.contains($0.name) }
    package.products.removeAll()
}
