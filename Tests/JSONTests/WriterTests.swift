import JSON
import Testing

/// Texts that Python's `json.dumps` returned for the document below.
@Suite struct PythonFormatTests {
    /// `json.dumps(document)`.
    private static let source = #"""
        {"peft_type": "LORA", "r": 16, "lora_alpha": 32.0, "lora_dropout": 1e-05, "bias": "none", \#
        "target_modules": ["q_proj", "v_proj"], "rank_pattern": {}, "empty_list": [], "nested": {"b": \#
        [1, [2, []], {}], "a": null}, "inference_mode": true, "z": false, "text": "quote\" back\\ \#
        slash/ \b\f\n\r\t \u0000\u001f\u007f\u0080\u009f \u00e9\u2028\ufffd \ud83d\ude00", "\u00e9": 1, \#
        "z\u00e9": 2, "Z": 3, "\ud800\udc00": 4, "\uff5e": 5, "big": 1000000000000000019884624838656, \#
        "neg": -7}
        """#

    @Test func indentedAndSorted() throws {
        let expected = #"""
            {
              "Z": 3,
              "bias": "none",
              "big": 1000000000000000019884624838656,
              "empty_list": [],
              "inference_mode": true,
              "lora_alpha": 32.0,
              "lora_dropout": 1e-05,
              "neg": -7,
              "nested": {
                "a": null,
                "b": [
                  1,
                  [
                    2,
                    []
                  ],
                  {}
                ]
              },
              "peft_type": "LORA",
              "r": 16,
              "rank_pattern": {},
              "target_modules": [
                "q_proj",
                "v_proj"
              ],
              "text": "quote\" back\\ slash/ \b\f\n\r\t \u0000\u001f\u007f\u0080\u009f \u00e9\u2028\ufffd \ud83d\ude00",
              "z": false,
              "z\u00e9": 2,
              "\u00e9": 1,
              "\uff5e": 5,
              "\ud800\udc00": 4
            }
            """#
        #expect(try text(parse(Self.source), .python(indent: 2, sortKeys: true)) == expected)
    }

    @Test func indentedByFour() throws {
        let expected = #"""
            {
                "peft_type": "LORA",
                "r": 16,
                "lora_alpha": 32.0,
                "lora_dropout": 1e-05,
                "bias": "none",
                "target_modules": [
                    "q_proj",
                    "v_proj"
                ],
                "rank_pattern": {},
                "empty_list": [],
                "nested": {
                    "b": [
                        1,
                        [
                            2,
                            []
                        ],
                        {}
                    ],
                    "a": null
                },
                "inference_mode": true,
                "z": false,
                "text": "quote\" back\\ slash/ \b\f\n\r\t \u0000\u001f\u007f\u0080\u009f \u00e9\u2028\ufffd \ud83d\ude00",
                "\u00e9": 1,
                "z\u00e9": 2,
                "Z": 3,
                "\ud800\udc00": 4,
                "\uff5e": 5,
                "big": 1000000000000000019884624838656,
                "neg": -7
            }
            """#
        #expect(try text(parse(Self.source), .python(indent: 4, sortKeys: false)) == expected)
    }

    @Test func onOneLine() throws {
        #expect(try text(parse(Self.source), .python(indent: nil, sortKeys: false)) == Self.source)
    }

    @Test func empty() {
        #expect(text([], .python(indent: 2, sortKeys: true)) == "[]")
        #expect(text([:], .python(indent: 2, sortKeys: true)) == "{}")
        #expect(text([[], [:]], .python(indent: 2, sortKeys: true)) == "[\n  [],\n  {}\n]")
    }

    /// Doubles by their bits, and `repr` of each.
    @Test(
        arguments: [
            (0x0000000000000000, "0.0"), (0x8000000000000000, "-0.0"), (0x3FF0000000000000, "1.0"),
            (0xBFF0000000000000, "-1.0"), (0x3FB999999999999A, "0.1"), (0x3FC999999999999A, "0.2"),
            (0x3FD3333333333334, "0.30000000000000004"), (0x3FD5555555555555, "0.3333333333333333"),
            (0x3FE5555555555555, "0.6666666666666666"), (0x4059000000000000, "100.0"), (0x40F86A0000000000, "100000.0"),
            (0x419D6F3454000000, "123456789.0"), (0x430C6BF526340000, "1000000000000000.0"),
            (0x4341C37937E08000, "1e+16"), (0x4341C37937E07FFF, "9999999999999998.0"),
            (0x4345EE2A2EB5A5C4, "1.2345678901234568e+16"), (0x43E56A95319D63E1, "1.2345678901234567e+19"),
            (0x4376345785D8A000, "1e+17"), (0x444B1AE4D6E2EF50, "1e+21"), (0x4480F0CF064DD592, "1e+22"),
            (0x44B52D02C7E14AF6, "1e+23"), (0x54B249AD2594C37D, "1e+100"), (0x7E41EB2D66005835, "1.5e+300"),
            (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"), (0x3F50624DD2F1A9FC, "0.001"),
            (0x3F1A36E2EB1C432D, "0.0001"), (0x3F202E4B6CE5DC68, "0.00012345"), (0x3EE4F8B588E368F1, "1e-05"),
            (0x3F1A36E2EB1C432C, "9.999999999999999e-05"), (0x3EEF75104D551D69, "1.5e-05"),
            (0x3EB0C6F7A0B5ED8D, "1e-06"),
            (0x3E7AD7F29ABCAF48, "1e-07"), (0x3DDB7CDFD9D7BDBB, "1e-10"), (0x2B617F7D4ED8C33E, "1e-99"),
            (0x2B2BFF2EE48E0530, "1e-100"), (0x0000000000000001, "5e-324"),
            (0x0010000000000000, "2.2250738585072014e-308"), (0x000FFFFFFFFFFFFF, "2.225073858507201e-308"),
            (0x400921FB54442D18, "3.141592653589793"), (0x4005BF0A8B145769, "2.718281828459045"),
            (0x4330000000000000, "4503599627370496.0"), (0x4340000000000000, "9007199254740992.0"),
            (0x4350000000000000, "1.8014398509481984e+16"), (0x4360000000000000, "3.602879701896397e+16"),
            (0x3D30000000000000, "5.684341886080802e-14"), (0x3F0A36E2EB1C432D, "5e-05"), (0x3FA999999999999A, "0.05"),
            (0x3FD3333333333333, "0.3"), (0x3F33A92A30553262, "0.00030000000000000003"), (0x4030000000000000, "16.0"),
            (0x4040000000000000, "32.0"), (0x3FE0000000000000, "0.5"), (0x40EFFC0000000000, "65504.0"),
            (0x4450000000000000, "1.1805916207174113e+21"), (0x3EB0000000000000, "9.5367431640625e-07"),
            (0x3D30000000000000, "5.684341886080802e-14"), (0x433FFFFFFFFFFFFF, "9007199254740991.0"),
            (0x4164D8399F767C45, "10928588.983213553"), (0x5BC8FBBCBDE5C099, "1.4186613525849614e+134"),
            (0xB0C11FDECB91CE37, "-7.571968556055867e-74"), (0xD76D4330F1446BEA, "-1.4074705188261364e+113"),
            (0xA6EB8C9EBD69FE29, "-3.3339745473042614e-121"), (0x87B0B125EC1D7DA0, "-1.2342180766211395e-271"),
            (0xD7210DFF076CE2EF, "-5.126864004244935e+111"), (0xC6A5387777330BDB, "-2.1520217579844227e+32"),
            (0x3FC1EA36F17FD374, "0.1399601630397701"), (0x0D464138A6233255, "1.01853664031722e-244"),
            (0x2827688DE6A16A3B, "2.9704598186234577e-115"), (0x5F2DD97F1CFB10F6, "3.0534183338726823e+150"),
            (0xDE5271007814E8A2, "-2.3027782228163463e+146"), (0x617959CE3F1F65A8, "3.56409621163656e+161"),
            (0x1A1AFE878B33E968, "6.352929017207453e-183"), (0x3FD4235992EDCF45, "0.3146575865605324"),
            (0xBB2EDB20035B7399, "-1.2761724801771812e-23"), (0x687C966C377B9AA2, "2.0868668176225336e+195"),
            (0x2E9C82B1478C281D, "3.66898827745704e-84"), (0xDE11CC9DEA959C21, "-1.389122273370197e+145"),
            (0x63B229F1C4069545, "1.7548715433165102e+172"), (0xC30D8B7628DBD25E, "-1039514241563211.8"),
            (0x126A1E48CC11D357, "5.7804021771411506e-220"), (0x9E30691C238642EA, "-2.8497478716107576e-163"),
            (0x71E0C07E9E115E4B, "3.490691392124745e+240"), (0x21DA8978206F5C66, "1.3282314387596086e-145"),
            (0xF8EB18B900745130, "-2.9317061175715426e+274"), (0x015C33B2DF1461AA, "4.1124768973349897e-302"),
            (0xC60A3CAB359EEEFB, "-2.5983853818656714e+29"), (0xF5CAE3BF3729C619, "-2.5839922981649337e+259"),
            (0x2A759159FB7FF337, "3.7615508677292285e-104"), (0x2A9EBA0CDF561D80, "2.1435728770450893e-103"),
            (0x504B74BA4A0FE75D, "6.3583676891104784e+78"),
        ] as [(UInt64, String)])
    func doubles(_ bits: UInt64, _ expected: String) throws {
        #expect(JSONNumber(Double(bitPattern: bits))?.text == expected)
        #expect(text(.init(Double(bitPattern: bits)), .compact) == expected)
    }

    @Test func whatJSONCannotSay() {
        #expect(JSONNumber(Double.nan) == nil)
        #expect(JSONNumber(-Double.infinity) == nil)
        #expect(text(.init(Double.infinity), .compact) == "null")
    }
}

@Suite struct StyleTests {
    private static let string: JSONValue =
        "\"\\/\u{0}\u{8}\t\n\u{B}\u{C}\r\u{1F} ~\u{7F}\u{80}\u{9F}\u{A0}é\u{2028}😀"

    @Test func compactEscapesWhatItMust() {
        #expect(
            text(Self.string, .compact)
                == #""\"\\/\u0000\b\t\n\u000b\f\r\u001f ~"# + "\u{7F}\u{80}\u{9F}\u{A0}é\u{2028}😀\"")
    }

    @Test func prettyEscapesControls() {
        #expect(
            text(Self.string, .pretty)
                == #""\"\\/\u0000\b\t\n\u000b\f\r\u001f ~\u007f\u0080\u009f"# + "\u{A0}é\u{2028}😀\"")
    }

    @Test func pythonEscapesAllButPrintableASCII() {
        #expect(
            text(Self.string, .python(indent: nil, sortKeys: false))
                == #""\"\\/\u0000\b\t\n\u000b\f\r\u001f ~\u007f\u0080\u009f\u00a0\u00e9\u2028\ud83d\ude00""#)
    }

    @Test func layouts() {
        let value: JSONValue = ["b": [1, 2.5, []], "a": ["x": nil, "é": true], "c": [:]]
        #expect(text(value, .compact) == #"{"b":[1,2.5,[]],"a":{"x":null,"é":true},"c":{}}"#)
        #expect(
            text(value, .pretty) == """
                {
                  "b": [
                    1,
                    2.5,
                    []
                  ],
                  "a": {
                    "x": null,
                    "é": true
                  },
                  "c": {}
                }
                """)
        #expect(
            text(value, .python(indent: nil, sortKeys: true))
                == #"{"a": {"x": null, "\u00e9": true}, "b": [1, 2.5, []], "c": {}}"#)
    }
}
