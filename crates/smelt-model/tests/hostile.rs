//! Whatever bytes or nodes come in: an error or a model, never a panic.

#![allow(clippy::expect_used)]

use proptest::prelude::*;
use smelt_core::Control;
use smelt_model::tensor::Data;
use smelt_model::{Column, Graph, Model, Table, Tensor, Tensors, container};

fn tensors() -> Tensors {
    let vector = |values: &[f64]| {
        Tensor::new(vec![values.len()], Data::F64(values.to_vec())).expect("a vector")
    };
    Tensors::from([("a".to_string(), vector(&[0.5, 2.0])), ("b".to_string(), vector(&[]))])
}

fn node() -> impl Strategy<Value = String> {
    let op = prop::sample::select(smelt_model::ops::NAMES.to_vec());
    let name = || prop::sample::select(vec!["x", "y", "z", "column:c", "nothing"]);
    let inputs = prop::collection::vec(name(), 0..4);
    let extra = prop::sample::select(vec![
        "",
        r#","value":1.5"#,
        r#","kind":"sigmoid""#,
        r#","kind":"softmax""#,
        r#","columns":[0,1,0]"#,
        r#","size":18446744073709551615"#,
        r#","parts":["year","hour"]"#,
        r#","formats":["%Y"]"#,
        r#","weights":[1,0.5]"#,
        r#","scale":1e308,"shift":-1e308"#,
        r#","tensors":{"mean":"a","scale":"a","idf":"a","vocabulary":"b","coef":"a"}"#,
    ]);
    (op, inputs, name(), extra).prop_map(|(op, inputs, output, extra)| {
        format!(r#"{{"op":"{op}","inputs":{inputs:?},"output":"{output}"{extra}}}"#)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_header_is_refused(text in "[\\[\\]{}\":,0-9a-z_ ]{0,200}") {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(text.as_bytes());
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_manifest_is_an_error_or_a_model(text in "[\\[\\]{}\":,0-9a-z_ ]{0,200}") {
        let bytes = container::write(&text, &tensors()).expect("a container");
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_graph_is_refused_or_runs(
        nodes in prop::collection::vec(node(), 0..6),
        values in prop::collection::vec(any::<f64>(), 0..40),
    ) {
        let first = r#"{"op":"parse_number","inputs":["column:c"],"output":"x"}"#;
        let nodes: Vec<&str> = [first].into_iter().chain(nodes.iter().map(String::as_str)).collect();
        if let Ok(graph) = Graph::from_parts(&format!("[{}]", nodes.join(",")), &tensors()) {
            let table = Table::new([("c", Column::Number(&values))]).expect("a table");
            let names: Vec<&str> = graph.names().collect();
            let outputs = graph.run(&table, &names, &Control::new()).expect("a graph that runs");
            for (name, output) in names.iter().zip(&outputs) {
                prop_assert_eq!(output.n_rows(), values.len());
                prop_assert_eq!(Some(output.width()), graph.kind(name).map(|kind| kind.width()));
            }
        }
    }
}
