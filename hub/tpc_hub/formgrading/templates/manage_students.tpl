{%- extends "nbgrader/manage_students.tpl" -%}

{%- block messages -%}
<style>td.edit, th:nth-child(5) { display: none; }</style>
<p>Students who handed in something. They join with the class code of the class page, or by <code>campus roster import</code>.</p>
{%- endblock -%}

{%- block table_footer -%}{%- endblock -%}
